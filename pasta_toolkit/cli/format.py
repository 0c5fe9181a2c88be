"""The command `pasta format`."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeAlias

import click

from grammar import Form, Layout, format_document, is_valid, parse
from pasta_toolkit.cli.differences import unified_differences
from pasta_toolkit.cli.options import jobs_option, paths_argument, stdin_format_option
from pasta_toolkit.cli.processing import Processed, Treated, process_all
from pasta_toolkit.cli.progress import ProgressBar
from pasta_toolkit.cli.report import Report, wants_colour
from pasta_toolkit.cli.rewriting import Rewriting, refuse_tables
from pasta_toolkit.cli.settings import ERRORS_ALONE
from pasta_toolkit.cli.shared import EXIT_FINDINGS, examples, field_option, form_option, write_json
from pasta_toolkit.diagnostics import Severity, diagnose, fix
from pasta_toolkit.diagnostics.render import TextRenderer
from pasta_toolkit.records import Chunk, Input, StdinFormat, find_inputs

__all__ = ["command"]

Mode: TypeAlias = Literal["print", "write", "check", "diff"]


@click.command(
    "format",
    epilog=examples(
        "pasta format answer.txt",
        "pasta format answers.jsonl --layout grouped > grouped.jsonl",
        "pasta format answers/ --write",
        "pasta format answers/ --check",
        "cat answer.txt | pasta format - --layout inline",
    ),
)
@paths_argument
@click.option(
    "--layout",
    type=click.Choice(["inline", "grouped"]),
    help="Put each async block right behind its promise, or all of a group before its sync. Default: leave them.",
)
@click.option("--write", "mode", flag_value="write", help="Rewrite the files in place.")
@click.option("--check", "mode", flag_value="check", help="Name what would change; change nothing.")
@click.option("--diff", "mode", flag_value="diff", help="Show what would change as a diff; change nothing.")
@click.option(
    "--format",
    "report_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How --check writes its result.",
)
@field_option
@form_option
@jobs_option
@stdin_format_option
def command(
    *,
    paths: tuple[str, ...],
    layout: Layout | None,
    mode: Mode | None,
    report_format: str,
    field: str,
    form: Form,
    num_jobs: int,
    stdin_format: StdinFormat,
) -> None:
    """Write the canonical text: tags in their one spelling, and async blocks in a chosen layout.

    Without --write, --check or --diff the result of one PATH goes to stdout; JSON Lines in, JSON Lines out, with all
    other fields as they were. A document that is not valid, after what is safe to repair, is named on stderr and
    passes unchanged. Text that a reader sees is never changed.

    Exit codes: 0 when all is well, 1 when a document is not valid or (--check, --diff) something would change, 2 on
    wrong usage.
    """
    inputs = find_inputs(paths)
    refuse_tables(inputs)
    if mode is None and len(inputs) > 1:
        raise click.UsageError(f"{len(inputs)} files cannot go to stdout together: give --write, --check or --diff")
    if report_format == "json" and mode != "check":
        raise click.UsageError("--format json goes with --check")
    treatment = partial(_formatted, form=form, layout=layout)
    processed = process_all(inputs, treatment, field=field, stdin_format=stdin_format, num_jobs=num_jobs)
    outcome = _run(inputs, mode or "print", processed, names_changes=report_format == "text")
    if report_format == "json":
        write_json("format", outcome.as_json())
    elif mode is not None:
        done = "Formatted" if mode == "write" else "Would format"
        click.echo(f"{done} {outcome.num_changed:,} of {outcome.num_records:,} records.", err=True)
    if outcome.num_errors or (mode in {"check", "diff"} and outcome.num_changed):
        sys.exit(EXIT_FINDINGS)


def _formatted(text: str, /, *, form: Form, layout: Layout | None, is_frozen: bool = False) -> Treated | None:
    """Print a text anew, after repair of what makes it invalid and is safe to repair."""
    repaired = text if is_valid(text, form=form) else fix(text, form=form, settings=ERRORS_ALONE).text
    if not is_valid(repaired, form=form):
        return Treated(diagnose(text, form=form, settings=ERRORS_ALONE))
    formatted = format_document(parse(repaired, form=form), layout=layout)
    return None if is_frozen or formatted == text else Treated(text=formatted)


@dataclass(slots=True)
class _Outcome:
    """What came of all inputs; the names of changed records are kept for JSON alone."""

    num_records: int = 0
    num_changed: int = 0
    num_errors: int = 0
    changed: list[tuple[str, int | None]] = field(default_factory=list)

    def add(self, processed: Processed) -> None:
        self.num_records += processed.num_records
        self.num_changed += len(processed.changes)
        for findings in processed.findings:
            self.num_errors += sum(item.severity == Severity.ERROR for item in findings.diagnostics)

    def as_json(self) -> dict[str, Any]:
        summary = {"records": self.num_records, "changed": self.num_changed, "errors": self.num_errors}
        return {"changed": [{"path": path, "record": number} for path, number in self.changed], "summary": summary}


def _run(
    inputs: Sequence[Input], mode: Mode, processed: Iterable[tuple[int, Chunk, Processed]], *, names_changes: bool
) -> _Outcome:
    faults = Report(TextRenderer(has_colour=wants_colour(sys.stderr)), sys.stderr)
    outcome = _Outcome()
    with ProgressBar(inputs) as bar, Rewriting(inputs if mode == "write" else ()) as rewriting:
        for index, chunk, result in processed:
            outcome.add(result)
            if result.findings or (result.changes and mode != "write") or mode == "print":
                with bar.paused():
                    faults.add_all(result.findings)
                    _show(mode, chunk, result, names_changes=names_changes)
            if mode == "write":
                rewriting.add(index, chunk, result)
            elif mode == "check" and not names_changes:
                outcome.changed += [(chunk.path, change.number) for change in result.changes]
            bar.update(index, chunk.num_bytes_read)
    return outcome


def _show(mode: Mode, chunk: Chunk, result: Processed, *, names_changes: bool) -> None:
    if mode == "print":
        sys.stdout.buffer.write(chunk.data if result.data is None else result.data)
    elif mode == "diff":
        click.echo("".join(unified_differences(chunk.path, result.changes)), nl=False)
    elif mode == "check" and names_changes:
        for change in result.changes:
            click.echo(f"would change: {chunk.path}{'' if change.number is None else f':{change.number}'}")
