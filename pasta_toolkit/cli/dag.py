"""The command `pasta dag`."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import click

from grammar import Form, parse
from pasta_toolkit.cli.invalidity import invalidity, place_of
from pasta_toolkit.cli.shared import EXIT_FINDINGS, examples, field_option, form_option, tokenizer_option
from pasta_toolkit.dag import Dag, build_dag
from pasta_toolkit.dag.export import to_dot, to_graphml, to_json, to_mermaid, to_text
from pasta_toolkit.records import InputError, Record, RecordFault, read_records
from pasta_toolkit.tokens import load_counter

__all__ = ["command"]

DagFormat: TypeAlias = Literal["text", "json", "png", "svg", "dot", "mermaid", "graphml"]

SUFFIXES: dict[str, DagFormat] = {
    ".png": "png",
    ".svg": "svg",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".graphml": "graphml",
    ".json": "json",
    ".txt": "text",
}
WRITERS: dict[DagFormat, Callable[[Dag], str]] = {
    "text": to_text,
    "json": to_json,
    "dot": to_dot,
    "mermaid": to_mermaid,
    "graphml": to_graphml,
}
COLUMNS_WITHOUT_TERMINAL = 80
BLOCK_GLYPHS = "█▒·┃…"


@click.command(
    "dag",
    epilog=examples(
        "pasta dag answer.txt",
        "pasta dag answer.txt --output answer.png",
        "pasta dag answers.jsonl --record 17 --output answer.svg",
        "pasta dag answer.txt --format json",
        "cat answer.txt | pasta dag - --format mermaid",
    ),
)
@click.argument("path", metavar="PATH")
@click.option("--output", metavar="FILE", help="Write to this file; its suffix says which format.")
@click.option(
    "--format",
    "chosen_format",
    type=click.Choice(get_args(DagFormat)),
    help="What to write. Default: what the suffix of FILE says, and text without --output.",
)
@click.option(
    "--record",
    "number",
    type=click.IntRange(min=1),
    metavar="N",
    help="Which record of a data set: the line of JSON Lines, the row of Parquet, from 1.",
)
@field_option
@tokenizer_option
@form_option
def command(
    *,
    path: str,
    output: str | None,
    chosen_format: DagFormat | None,
    number: int | None,
    field: str,
    tokenizer: str,
    form: Form,
) -> None:
    """Draw the dependency DAG of one annotated response and export it, with its measures.

    PATH is a text file, a data set (choose a record with --record), or - for standard input. Time runs to the right
    in tokens, as if all threads decoded at once; every thread has a lane, and the critical path is marked. Formats png
    and svg need matplotlib, graphml needs networkx.

    Exit codes: 0 fine, 1 when the document is not valid, 2 on wrong usage.
    """
    dag_format = chosen_format or _format_of(output)
    if dag_format == "png" and output is None and sys.stdout.isatty():
        raise click.UsageError("a PNG is no text for a terminal: give --output FILE")
    counter = load_counter(tokenizer)
    record = _one_record(path, number, field)
    fault = invalidity(record, form)
    if fault is not None:
        click.echo(f"pasta: {fault}", err=True)
        sys.exit(EXIT_FINDINGS)
    dag = build_dag(parse(record.text, form=form), counter)
    if dag_format == "text" and output is None:
        click.echo(_text_for_terminal(dag), nl=False)
    else:
        _write(_exported(dag, dag_format, title=_title(record)), output)


def _format_of(output: str | None) -> DagFormat:
    if output is None:
        return "text"
    suffix = Path(output).suffix.lower()
    if suffix not in SUFFIXES:
        raise click.UsageError(
            f"the suffix of {output!r} says no format: use one of {', '.join(SUFFIXES)}, or give --format"
        )
    return SUFFIXES[suffix]


def _one_record(path: str, number: int | None, field: str) -> Record:
    """Find the one record that is asked for; faults that stand for it end the command.

    Raises:
        InputError: none or several records where one is needed.
    """
    found: Record | None = None
    for item in read_records((path,), field=field):
        if number is not None and item.number not in (number, None):
            continue
        if isinstance(item, RecordFault):
            click.echo(f"pasta: {place_of(item)}: {item.message}", err=True)
            if not item.has_record:
                sys.exit(EXIT_FINDINGS)
        elif found is not None:
            raise InputError(f"{path!r} holds several records: choose one with --record N")
        else:
            found = item
            if number is not None:
                break
    if found is None:
        raise InputError(f"{path!r} has no record" if number is None else f"{path!r} has no record {number}")
    return found


def _title(record: Record) -> str:
    name = Path(record.path).name
    return name if record.number is None else f"{name}, record {record.number}"


def _exported(dag: Dag, dag_format: DagFormat, *, title: str) -> bytes:
    if dag_format in ("png", "svg"):
        from pasta_toolkit.dag.drawing import draw  # noqa: PLC0415 (heavy)

        return draw(dag, image_format="png" if dag_format == "png" else "svg", title=title)
    return WRITERS[dag_format](dag).encode("utf-8", errors="replace")


def _write(content: bytes, output: str | None) -> None:
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        Path(output).write_bytes(content)
    except OSError as error:
        raise InputError(f"cannot write {output!r}: {error.strerror}") from error


def _text_for_terminal(dag: Dag) -> str:
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else COLUMNS_WITHOUT_TERMINAL
    try:
        BLOCK_GLYPHS.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return to_text(dag, columns=columns, ascii_only=True)
    return to_text(dag, columns=columns)
