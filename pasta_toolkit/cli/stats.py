"""The command `pasta stats`."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import click

from grammar import Form, parse
from pasta_toolkit.cli.invalidity import invalidity, place_of
from pasta_toolkit.cli.options import paths_argument, stdin_format_option
from pasta_toolkit.cli.progress import ProgressBar
from pasta_toolkit.cli.shared import EXIT_FINDINGS, examples, field_option, form_option, tokenizer_option
from pasta_toolkit.cli.stats_output import StatsFormat, StatsReport, show
from pasta_toolkit.dag import build_dags, measure
from pasta_toolkit.dag.statistics import DataSet
from pasta_toolkit.records import (
    Input,
    LineReader,
    Record,
    RecordFault,
    StdinFormat,
    decode_chunk,
    find_inputs,
    read_chunks,
)
from pasta_toolkit.tokens import TokenCounter, load_counter

__all__ = ["command"]

MOST_FAULTS_SHOWN = 20
BATCH_RECORDS = 64  # their tokens are counted together, which is faster than one by one
BATCH_CHARACTERS = 1 << 20
NO_VALUE = "(none)"


@dataclass(frozen=True, slots=True)
class _Question:
    """What to find out about each record."""

    counter: TokenCounter
    form: Form
    by: str | None
    baseline: str | None


@dataclass(slots=True)
class _Faults:
    """Counts the records that could not be measured as asked, and names the first of them on stderr."""

    bar: ProgressBar
    num_invalid: int = 0
    num_unreadable: int = 0
    num_damaged: int = 0
    num_without_baseline: int = 0
    num_named: int = field(default=0, init=False)

    @property
    def counts(self) -> dict[str, int]:
        """All of them by kind."""
        return {
            "invalid": self.num_invalid,
            "unreadable": self.num_unreadable,
            "damaged": self.num_damaged,
            "without_baseline": self.num_without_baseline,
        }

    def name(self, sentence: str) -> None:
        """Name one, unless many have been named."""
        self.num_named += 1
        if self.num_named <= MOST_FAULTS_SHOWN:
            with self.bar.paused():
                click.echo(f"pasta: {sentence}", err=True)

    def close(self) -> None:
        """Say how many there were."""
        meanings = {
            "invalid": "not valid and not measured",
            "unreadable": "unreadable and not measured",
            "damaged": "damaged but measured",
            "without_baseline": "measured without the baseline that they lack",
        }
        told = [f"{number:,} {meanings[kind]}" for kind, number in self.counts.items() if number]
        if told:
            click.echo(f"pasta: records: {'; '.join(told)}", err=True)


@click.command(
    "stats",
    epilog=examples(
        "pasta stats annotated.jsonl",
        "pasta stats annotated.jsonl --by model --plots plots/",
        "pasta stats annotated.jsonl --format csv --details > measures.csv",
        "pasta stats annotated.jsonl --baseline output --format json",
    ),
)
@paths_argument
@click.option(
    "--format",
    "stats_format",
    type=click.Choice(get_args(StatsFormat)),
    default="text",
    show_default=True,
    help="How to write the measures.",
)
@click.option("--by", metavar="FIELD", help="Also sum up the records of each value of this field, such as model.")
@click.option(
    "--baseline",
    metavar="FIELD",
    help="Field with another model's answer: its tokens / critical-path tokens is the theoretical speed-up.",
)
@click.option("--details", "has_details", is_flag=True, help="Also the measures of every document (csv: only those).")
@click.option("--plots", "plots_folder", metavar="FOLDER", help="Draw the distributions into this folder, as PNG.")
@field_option
@tokenizer_option
@form_option
@stdin_format_option
def command(
    *,
    paths: tuple[str, ...],
    stats_format: StatsFormat,
    by: str | None,
    baseline: str | None,
    has_details: bool,
    plots_folder: str | None,
    field: str,
    tokenizer: str,
    form: Form,
    stdin_format: StdinFormat,
) -> None:
    """Measure how parallel the annotated responses of a data set are.

    PATH is a file, a folder, or - for standard input. Ideal speed-up is sequential tokens / critical-path tokens,
    parallelism decoded tokens / critical-path tokens, width the most threads that decode at once, tag overhead tag
    tokens / decoded tokens. Averages of ratios are geometric means; documents without any answer in them are left
    out of averages and counted.

    Exit codes: 0 fine, 1 when some record is not valid or cannot be read (the others are measured), 2 on wrong usage.
    """
    counter = load_counter(tokenizer)
    inputs = find_inputs(paths)
    keep_fields = by is not None or baseline is not None
    question = _Question(counter, form, by, baseline)
    data_set = DataSet(keeps_details=has_details)
    with ProgressBar(inputs) as bar:
        faults = _Faults(bar)
        for batch in _batches(
            _items(inputs, bar, field=field, keep_fields=keep_fields, stdin_format=stdin_format), faults
        ):
            _measure_all(batch, question, data_set, faults)
    faults.close()
    show(StatsReport(data_set, counter, by, faults.counts), stats_format, has_details=has_details)
    if plots_folder is not None:
        _plot(data_set, plots_folder, by=by)
    if any(faults.counts.values()):
        sys.exit(EXIT_FINDINGS)


def _items(
    inputs: Sequence[Input], bar: ProgressBar, *, field: str, keep_fields: bool, stdin_format: StdinFormat
) -> Iterator[Record | RecordFault]:
    """Read everything, and say how far it has come."""
    reader = LineReader(field, keep_fields=keep_fields)
    for index, source in enumerate(inputs):
        for chunk in read_chunks(source, field=field, keep_fields=keep_fields, stdin_format=stdin_format):
            yield from decode_chunk(chunk, reader)
            bar.update(index, chunk.num_bytes_read)


def _batches(items: Iterable[Record | RecordFault], faults: _Faults) -> Iterator[list[Record]]:
    """Gather records, a batch at a time; faults are named as they come."""
    batch: list[Record] = []
    num_characters = 0
    for item in items:
        if isinstance(item, RecordFault):
            faults.num_damaged += item.has_record
            faults.num_unreadable += not item.has_record
            faults.name(f"{place_of(item)}: {item.message}")
            continue
        batch.append(item)
        num_characters += len(item.text)
        if len(batch) >= BATCH_RECORDS or num_characters >= BATCH_CHARACTERS:
            yield batch
            batch, num_characters = [], 0
    if batch:
        yield batch


def _measure_all(batch: list[Record], question: _Question, data_set: DataSet, faults: _Faults) -> None:
    """Measure the valid records of a batch."""
    valid = [record for record in batch if _is_measurable(record, question, faults)]
    dags = build_dags((parse(record.text, form=question.form) for record in valid), question.counter)
    baselines = _count_baselines(valid, question, faults)
    for record, dag, baseline_tokens in zip(valid, dags, baselines, strict=True):
        data_set.add(
            measure(dag),
            value=None if question.by is None else _value(record, question.by),
            baseline_tokens=baseline_tokens,
            name={"path": record.path, "record": record.number},
        )


def _is_measurable(record: Record, question: _Question, faults: _Faults) -> bool:
    fault = invalidity(record, question.form)
    if fault is None:
        return True
    faults.num_invalid += 1
    faults.name(fault)
    return False


def _count_baselines(records: list[Record], question: _Question, faults: _Faults) -> list[int | None]:
    """Count the tokens of each record's baseline, None where none is asked for or there."""
    if question.baseline is None:
        return [None] * len(records)
    texts = [(record.fields or {}).get(question.baseline) for record in records]
    for record, text in zip(records, texts, strict=True):
        if not isinstance(text, str):
            faults.num_without_baseline += 1
            faults.name(f"{place_of(record)} has no text in the field {question.baseline!r} to compare with")
    counted = iter(question.counter.count_batch([text for text in texts if isinstance(text, str)]))
    return [next(counted) if isinstance(text, str) else None for text in texts]


def _value(record: Record, by: str) -> str:
    """Return the value of the field to group by, as text."""
    value: Any = (record.fields or {}).get(by)
    if value is None:
        return NO_VALUE
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _plot(data_set: DataSet, folder: str, *, by: str | None) -> None:
    from pasta_toolkit.dag.drawing import plot_data_set  # noqa: PLC0415 (heavy)

    for name in plot_data_set(data_set, folder, by=by):
        click.echo(f"wrote {name}", err=True)
