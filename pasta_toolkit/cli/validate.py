"""The command `pasta validate`."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TextIO

import click

from grammar import Form
from pasta_toolkit.cli.differences import unified_differences
from pasta_toolkit.cli.options import jobs_option, paths_argument, stdin_format_option
from pasta_toolkit.cli.processing import Processed, Treated, Treatment, process_all
from pasta_toolkit.cli.progress import ProgressBar
from pasta_toolkit.cli.report import Report, ReportFormat, opened_output, renderer_of, wants_colour
from pasta_toolkit.cli.rewriting import Rewriting, refuse_tables
from pasta_toolkit.cli.settings import chosen_settings
from pasta_toolkit.cli.shared import EXIT_FINDINGS, examples, field_option, form_option
from pasta_toolkit.cli.tally import Tally
from pasta_toolkit.diagnostics import Settings, diagnose, fix
from pasta_toolkit.diagnostics.render import Summary, TextRenderer, input_faults, statistics_table
from pasta_toolkit.records import STDIN_PATH, Chunk, Input, StdinFormat, find_inputs

__all__ = ["command"]

MOST_DIAGNOSTICS = 1000


@dataclass(frozen=True, slots=True)
class _Reading:
    """What to read and how to treat it."""

    inputs: tuple[Input, ...]
    treatment: Treatment
    field: str
    stdin_format: StdinFormat
    num_jobs: int

    def processed(self) -> Iterator[tuple[int, Chunk, Processed]]:
        """Treat everything, chunk by chunk."""
        return process_all(
            self.inputs,
            self.treatment,
            field=self.field,
            stdin_format=self.stdin_format,
            num_jobs=self.num_jobs,
        )


@dataclass(frozen=True, slots=True)
class _Showing:
    """What to show of the findings, and how."""

    report_format: ReportFormat
    has_statistics: bool
    is_quiet: bool
    shows_notes: bool
    most_diagnostics: int

    def report(self, stream: TextIO) -> Report:
        """Open a report on a stream."""
        is_text = self.report_format == "text"
        return Report(
            renderer_of(self.report_format, has_colour=wants_colour(stream), has_statistics=self.has_statistics),
            stream,
            shows_notes=self.shows_notes or self.report_format in {"json", "sarif"},
            most_shown=(0 if self.has_statistics else self.most_diagnostics) if is_text else None,
        )

    def ending(self, report: Report, summary: Summary) -> str:
        """Return what stands behind the findings."""
        if self.report_format != "text":
            return report.renderer.end(summary)
        table = statistics_table(summary) if self.has_statistics else ""
        return table if self.is_quiet else f"{table}{self._left_out(report)}{report.renderer.end(summary)}"

    def _left_out(self, report: Report) -> str:
        lines = []
        if report.num_beyond and not self.has_statistics:
            lines.append(f"Not shown: {report.num_beyond:,} more findings (raise --max-diagnostics).\n")
        if report.num_notes_hidden and not self.has_statistics:
            lines.append(f"Not shown: {report.num_notes_hidden:,} of the notes (give --notes).\n")
        return "".join(lines)


@click.command(
    "validate",
    epilog=examples(
        "pasta validate answers.jsonl",
        "pasta validate answers/ --field output --statistics",
        "pasta validate answers.jsonl --diff --unsafe-fixes",
        "pasta validate answers.jsonl --fix",
        "pasta validate answers.jsonl --format sarif --output answers.sarif",
        "cat answer.txt | pasta validate - --select PA1",
    ),
)
@paths_argument
@click.option(
    "--format",
    "report_format",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="How findings are written.",
)
@field_option
@form_option
@click.option("--select", multiple=True, metavar="RULES", help="Codes, prefixes or names of rules to run, by commas.")
@click.option("--ignore", multiple=True, metavar="RULES", help="Codes, prefixes or names of rules not to run.")
@click.option("--fix", "is_fixing", is_flag=True, help="Repair what is safe to repair, in place (stdin: to stdout).")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: also repair what has to be guessed.")
@click.option(
    "--diff", "is_diffing", is_flag=True, help="Show the repairs as a diff, record by record; change nothing."
)
@click.option("--statistics", "has_statistics", is_flag=True, help="Count the findings by rule (text and json).")
@jobs_option
@click.option("--output", type=click.Path(dir_okay=False), help="Write the report to this file instead of stdout.")
@click.option("--quiet", "is_quiet", is_flag=True, help="Text: findings alone, without the summary.")
@click.option("--notes", "shows_notes", is_flag=True, help="Text and github: show notes too; json and sarif always do.")
@click.option(
    "--max-diagnostics",
    "most_diagnostics",
    type=click.IntRange(min=0),
    default=MOST_DIAGNOSTICS,
    show_default=True,
    help="Text: show so many at the most; all are counted.",
)
@stdin_format_option
@click.option(
    "--config",
    type=click.Path(exists=True, path_type=Path),
    help="Where to look for [tool.pasta]: a pyproject.toml, or a folder. Default: the current folder, then above it.",
)
@click.option("--isolated", "is_isolated", is_flag=True, help="Read no pyproject.toml.")
def command(
    *,
    paths: tuple[str, ...],
    report_format: ReportFormat,
    field: str,
    form: Form,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    is_fixing: bool,
    unsafe_fixes: bool,
    is_diffing: bool,
    has_statistics: bool,
    num_jobs: int,
    output: str | None,
    is_quiet: bool,
    shows_notes: bool,
    most_diagnostics: int,
    stdin_format: StdinFormat,
    config: Path | None,
    is_isolated: bool,
) -> None:
    """Check annotated responses, and repair them.

    PATH is a file, a folder (its .txt, .md, .pasta, .jsonl, .jsonl.gz and .parquet files), or - for standard input.
    Files of another name are one text each. Rules and thresholds come from [tool.pasta] of the nearest
    pyproject.toml above the current folder; `pasta rule` explains the rules.

    Exit codes: 0 when there are no findings but notes, 1 on errors, warnings or unreadable records (with --diff: when
    something would change), 2 on wrong usage.
    """
    _refuse_combinations(
        (has_statistics and report_format in {"sarif", "github"}, "--statistics goes with --format text or json"),
        (is_diffing and (has_statistics or report_format != "text"), "--diff shows a diff alone, and no report"),
        (unsafe_fixes and not (is_fixing or is_diffing), "--unsafe-fixes goes with --fix or --diff"),
    )
    settings = chosen_settings(config=config, is_isolated=is_isolated, select=select, ignore=ignore)
    inputs = find_inputs(paths)
    treatment: Treatment = partial(_checked, form=form, settings=settings)
    if is_fixing or is_diffing:
        treatment = partial(_fixed, form=form, settings=settings, unsafe=unsafe_fixes)
    reading = _Reading(inputs, treatment, field, stdin_format, num_jobs)
    showing = _Showing(report_format, has_statistics, is_quiet, shows_notes, most_diagnostics)
    if is_diffing:
        has_findings = _show_differences(reading, output)
    else:
        has_findings = _validate(reading, showing, output, is_fixing=is_fixing)
    if has_findings:
        sys.exit(EXIT_FINDINGS)


def _refuse_combinations(*refused: tuple[bool, str]) -> None:
    for is_given, sentence in refused:
        if is_given:
            raise click.UsageError(sentence)


def _checked(text: str, /, *, form: Form, settings: Settings, is_frozen: bool = False) -> Treated | None:
    diagnostics = diagnose(text, form=form, settings=settings)
    return Treated(diagnostics) if diagnostics else None


def _fixed(text: str, /, *, form: Form, settings: Settings, unsafe: bool, is_frozen: bool = False) -> Treated | None:
    diagnostics = diagnose(text, form=form, settings=settings)
    if is_frozen or all(diagnostic.fix is None for diagnostic in diagnostics):
        return Treated(diagnostics) if diagnostics else None
    result = fix(text, form=form, settings=settings, unsafe=unsafe)
    return Treated(result.remaining, result.text if result.text != text else None, result.num_fixed)


def _validate(reading: _Reading, showing: _Showing, output: str | None, *, is_fixing: bool) -> bool:
    """Report the findings, after repair if that was asked for; say whether any is worse than a note."""
    if is_fixing:
        refuse_tables(reading.inputs)
    has_stdout_text = is_fixing and any(source.path == STDIN_PATH for source in reading.inputs)
    tally = Tally()
    with opened_output(output, sys.stderr if has_stdout_text else sys.stdout) as stream:
        report = showing.report(stream)
        report.write(report.renderer.begin())
        with ProgressBar(reading.inputs) as bar, Rewriting(reading.inputs if is_fixing else ()) as rewriting:
            for index, chunk, processed in reading.processed():
                tally.add(processed)
                if is_fixing:
                    rewriting.add(index, chunk, processed)
                if processed.findings:
                    with bar.paused():
                        report.add_all(processed.findings)
                bar.update(index, chunk.num_bytes_read)
        summary = replace(tally.summary(), num_fixed=rewriting.num_fixed)
        report.write(showing.ending(report, summary))
    return not summary.is_clean


def _show_differences(reading: _Reading, output: str | None) -> bool:
    """Show what would be repaired; say whether there is something, or something that cannot be read."""
    tally = Tally()
    faults = Report(TextRenderer(has_colour=wants_colour(sys.stderr)), sys.stderr)
    with opened_output(output, sys.stdout) as stream, ProgressBar(reading.inputs) as bar:
        for index, chunk, processed in reading.processed():
            tally.add(processed)
            if processed.findings or processed.changes:
                with bar.paused():
                    faults.add_all(input_faults(processed.findings))
                    click.echo("".join(unified_differences(chunk.path, processed.changes)), file=stream, nl=False)
            bar.update(index, chunk.num_bytes_read)
    click.echo(f"Would fix {tally.num_fixed:,} in {tally.num_changes:,} of {tally.num_records:,} records.", err=True)
    return tally.num_changes > 0 or faults.num_shown > 0
