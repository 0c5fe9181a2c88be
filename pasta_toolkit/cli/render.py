"""The command `pasta render`."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import click
import msgspec

from grammar import Form, is_valid, parse
from grammar import render as without_tags
from pasta_toolkit.cli.options import jobs_option, stdin_format_option
from pasta_toolkit.cli.processing import Processed, Treated, process_all
from pasta_toolkit.cli.report import Report, wants_colour
from pasta_toolkit.cli.settings import ERRORS_ALONE
from pasta_toolkit.cli.shared import EXIT_FINDINGS, examples, field_option, form_option, write_json
from pasta_toolkit.diagnostics import diagnose
from pasta_toolkit.diagnostics.render import TextRenderer
from pasta_toolkit.records import Chunk, Record, StdinFormat, find_inputs, set_field

__all__ = ["command"]


@click.command(
    "render",
    epilog=examples(
        "pasta render answer.txt",
        "pasta render annotated.jsonl > plain.jsonl",
        "pasta render annotated.jsonl --to answer",
        "cat answer.txt | pasta render -",
    ),
)
@click.argument("path", metavar="PATH")
@click.option("--to", "target", metavar="FIELD", help="Field for the plain answer. Default: the one it was read from.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="text: as the input is; json: one document with all answers.",
)
@field_option
@form_option
@jobs_option
@stdin_format_option
def command(
    *,
    path: str,
    target: str | None,
    output_format: str,
    field: str,
    form: Form,
    num_jobs: int,
    stdin_format: StdinFormat,
) -> None:
    """Print the answer without tags, as a reader sees it: each branch at the place of its promise.

    A text gives the answer byte for byte. JSON Lines and Parquet give JSON Lines with all other fields kept. A record
    that is not valid is named on stderr and left out.

    Exit codes: 0 when all is well, 1 when a record is not valid, 2 on wrong usage.
    """
    inputs = find_inputs([path])
    if len(inputs) != 1:
        raise click.UsageError(f"{path!r} holds {len(inputs)} files: render them one by one")
    outcome = _Outcome()
    treatment = partial(_rendered, form=form)
    processed = process_all(
        inputs, treatment, field=field, stdin_format=stdin_format, num_jobs=num_jobs, keep_fields=True, has_data=False
    )
    answers = _answers(processed, outcome)
    if output_format == "json":
        listed = [{"path": answer.path, "record": answer.number, "text": answer.text} for answer in answers]
        write_json("render", {"answers": listed, "summary": {"left_out": outcome.num_left_out}})
    else:
        for answer in answers:
            sys.stdout.buffer.write(_written(answer, target or field))
    if outcome.num_left_out:
        sys.exit(EXIT_FINDINGS)


@dataclass(frozen=True, slots=True)
class _Answer:
    """The answer of one record, with the line of JSON or the fields of the row that it comes from, if any."""

    path: str
    number: int | None
    text: str
    line: bytes | None = None
    fields: Mapping[str, Any] | None = None


@dataclass(slots=True)
class _Outcome:
    """What is known when all answers have been taken."""

    num_left_out: int = 0


def _rendered(text: str, /, *, form: Form, is_frozen: bool = False) -> Treated:
    """Render a text; a valid one always counts as changed, and one of damaged bytes never."""
    if is_frozen:
        return Treated()
    if not is_valid(text, form=form):
        return Treated(diagnose(text, form=form, settings=ERRORS_ALONE))
    return Treated(text=without_tags(parse(text, form=form)))


def _answers(processed: Iterable[tuple[int, Chunk, Processed]], outcome: _Outcome) -> Iterator[_Answer]:
    """Yield the answers; show what is wrong with the other records, and count them."""
    report = Report(TextRenderer(has_colour=wants_colour(sys.stderr)), sys.stderr)
    for _, chunk, result in processed:
        report.add_all(result.findings)
        outcome.num_left_out += result.num_records - len(result.changes)
        lines = chunk.data.split(b"\n") if chunk.kind == "json-lines" else []
        rows = {item.number: item.fields for item in chunk.ready if isinstance(item, Record)}
        for change in result.changes:
            line = lines[change.number - chunk.first_number] if lines and change.number else None
            yield _Answer(chunk.path, change.number, change.after, line, rows.get(change.number))


def _written(answer: _Answer, target: str) -> bytes:
    if answer.line is not None:
        line = answer.line.decode("utf-8").removeprefix("\ufeff")
        return set_field(line, target, answer.text).encode("utf-8") + b"\n"
    if answer.fields is not None:
        return msgspec.json.encode({**answer.fields, target: answer.text}, enc_hook=str) + b"\n"
    return answer.text.encode("utf-8")
