"""The command `pasta annotate`."""

import sys
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from typing import Any, Literal, TypeAlias, get_args

import click
from click.core import ParameterSource

from grammar import Layout
from pasta_toolkit.annotate import AnnotatedText, AnnotationPolicy, Annotator, Method, Waits
from pasta_toolkit.annotate.policy import FEWEST_BRANCHES, MOST_BRANCHES
from pasta_toolkit.cli.annotate_input import Answer, Faults, read_answers
from pasta_toolkit.cli.annotate_output import Resumption, annotated_line, check_output, opened_stream
from pasta_toolkit.cli.options import jobs_option, paths_argument, stdin_format_option
from pasta_toolkit.cli.progress import ProgressBar
from pasta_toolkit.cli.shared import EXIT_FINDINGS, examples, field_option, tokenizer_option, write_json
from pasta_toolkit.dag import Measures
from pasta_toolkit.dag.statistics import geometric_mean
from pasta_toolkit.dag.wording import counted_with
from pasta_toolkit.records import Input, StdinFormat, find_inputs
from pasta_toolkit.tokens import load_counter

__all__ = ["command"]

SummaryFormat: TypeAlias = Literal["text", "json"]

BATCH_ANSWERS = 32
JSON_LINES_SUFFIX = ".jsonl"
STRUCTURE_OPTIONS = ("max_branches", "min_speedup", "waits", "free_introduction", "keep_prose")
DEFAULT_POLICY = AnnotationPolicy()


@click.command(
    "annotate",
    epilog=examples(
        "pasta annotate answer.md",
        "pasta annotate plain.jsonl --field output --output annotated.jsonl",
        "pasta annotate plain.jsonl --field output --output annotated.jsonl --resume --jobs 0",
        "pasta annotate plain.jsonl --field output --from sot --output baseline.jsonl",
    ),
)
@paths_argument
@click.option("--output", metavar="FILE", help="Write here instead of to standard output.")
@click.option("--into", default="response", show_default=True, help="Field that the annotated text is written to.")
@click.option(
    "--from",
    "method",
    type=click.Choice(get_args(Method)),
    default="structure",
    show_default=True,
    help="structure groups blocks for speed; sot and apar-lists are baselines in the manner of those systems.",
)
@click.option(
    "--layout",
    type=click.Choice(get_args(Layout)),
    default="inline",
    show_default=True,
    help="Each branch behind its promise, or all of a group behind the last one.",
)
@click.option(
    "--max-branches",
    type=click.IntRange(FEWEST_BRANCHES, MOST_BRANCHES),
    default=DEFAULT_POLICY.max_branches,
    show_default=True,
    help="Branches of a group at the most.",
)
@click.option(
    "--min-speedup",
    type=click.FloatRange(min=1),
    default=DEFAULT_POLICY.min_speedup,
    show_default=True,
    help="Leave an answer as it is where the ideal speed-up would be smaller.",
)
@click.option(
    "--waits",
    type=click.Choice(get_args(Waits)),
    default=DEFAULT_POLICY.waits,
    show_default=True,
    help="What is decoded only where it sees all that it speaks of: in the same branch or behind a sync.",
)
@click.option("--free-introduction", is_flag=True, help="Let branches begin with the first block of an answer.")
@click.option("--keep-prose", is_flag=True, help="Begin branches at sections and list items, never at paragraphs.")
@click.option(
    "--resume", is_flag=True, help="Go on where an interrupted run has stopped: keep the records that FILE holds."
)
@click.option(
    "--format",
    "summary_format",
    type=click.Choice(get_args(SummaryFormat)),
    default="text",
    show_default=True,
    help="The summary: a sentence on stderr, or JSON on standard output (with --output).",
)
@field_option
@tokenizer_option
@stdin_format_option
@jobs_option
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    paths: tuple[str, ...],
    output: str | None,
    into: str,
    method: Method,
    layout: Layout,
    max_branches: int,
    min_speedup: float,
    waits: Waits,
    free_introduction: bool,
    keep_prose: bool,
    resume: bool,
    summary_format: SummaryFormat,
    field: str,
    tokenizer: str,
    stdin_format: StdinFormat,
    num_jobs: int,
) -> None:
    """Turn plain answers into annotated ones, by their structure.

    PATH is a file, a folder, or - for standard input. Records keep all their fields and get another one, `response`;
    a single text becomes a single annotated text. What is laid out apart is taken to be independent: headings, list
    items, paragraphs. The annotator knows nothing of meaning. Rendering its output gives the original text exactly.

    Exit codes: 0 fine, 1 when some record cannot be read (the others are written), 2 on wrong usage.
    """
    _refuse_vain_options(context, method=method, output=output, resume=resume, summary_format=summary_format)
    policy = AnnotationPolicy(
        max_branches=max_branches,
        min_speedup=min_speedup,
        waits=waits,
        keeps_introduction=not free_introduction,
        cuts_prose=not keep_prose,
    )
    load_counter(tokenizer)  # so that a wrong name is told before anything is read or written
    inputs = find_inputs(paths)
    if output is not None:
        check_output(output, inputs)
    annotator = Annotator(tokenizer, method, policy, layout)
    with ProgressBar(inputs) as bar:
        faults = Faults(bar)
        answers = read_answers(inputs, field=field, stdin_format=stdin_format, faults=faults)
        run = _Run(annotator, output, into, num_jobs, bar, is_one_text=_is_one_text(inputs, output))
        run.annotate(answers, resume=resume)
    faults.close()
    _show(_summary(run, faults, annotator), summary_format)
    if faults.num_faults:
        sys.exit(EXIT_FINDINGS)


def _refuse_vain_options(
    context: click.Context, *, method: Method, output: str | None, resume: bool, summary_format: SummaryFormat
) -> None:
    """Refuse options that would have no effect."""
    if resume and (output is None or not output.endswith(JSON_LINES_SUFFIX)):
        raise click.UsageError(f"--resume goes on with lines of JSON: name them with --output FILE{JSON_LINES_SUFFIX}")
    if summary_format == "json" and output is None:
        raise click.UsageError("--format json needs --output FILE, because standard output holds the annotated data")
    given = [name for name in STRUCTURE_OPTIONS if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given and method != "structure":
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise click.UsageError(f"{options}: only --from structure looks at this, not --from {method}")


def _is_one_text(inputs: Sequence[Input], output: str | None) -> bool:
    """Say whether a text that is read is written as a text, not as a record."""
    return len(inputs) == 1 and not (output is not None and output.endswith(JSON_LINES_SUFFIX))


@dataclass(slots=True)
class _Run:
    """Annotates answers and writes them. State: counts of what has been done."""

    annotator: Annotator
    output: str | None
    into: str
    num_jobs: int
    bar: ProgressBar
    is_one_text: bool
    num_answers: int = 0
    num_parallel: int = 0
    num_resumed: int = 0
    speedups: "array[float]" = field(default_factory=lambda: array("d"))

    def annotate(self, answers: Iterable[Answer], *, resume: bool) -> None:
        """Annotate all answers and write each as soon as those before it are written."""
        if resume and self.output is not None:
            answers = self._not_finished(answers, self.output)
        with opened_stream(self.output, keeps_content=resume) as stream:
            for answer, annotated in self._annotated(answers):
                self._count(annotated.measures)
                stream.write(self._written(answer, annotated))
                self.bar.update(answer.input_index, answer.num_bytes_read)

    def _not_finished(self, answers: Iterable[Answer], output: str) -> Iterator[Answer]:
        """Pass over the answers that an earlier run has written."""
        remaining = iter(answers)
        with Resumption(output, into=self.into) as resumption:
            fresh = next((answer for answer in remaining if not resumption.has(answer)), None)
            resumption.check_end()
            self.num_resumed = resumption.num_records
        return remaining if fresh is None else chain([fresh], remaining)

    def _annotated(self, answers: Iterable[Answer]) -> Iterator[tuple[Answer, AnnotatedText]]:
        batches: deque[list[Answer]] = deque()
        results = self.annotator.annotate_batches(_texts(answers, batches), num_jobs=self.num_jobs)
        for result in results:
            yield from zip(batches.popleft(), result, strict=True)

    def _written(self, answer: Answer, annotated: AnnotatedText) -> bytes:
        if self.is_one_text and answer.record.number is None:
            return annotated.text.encode()
        return annotated_line(answer, annotated.text, into=self.into)

    def _count(self, measures: Measures) -> None:
        self.num_answers += 1
        self.num_parallel += measures.num_promises > 0
        if not measures.is_empty:
            self.speedups.append(measures.ideal_speedup)


def _texts(answers: Iterable[Answer], batches: deque[list[Answer]]) -> Iterator[list[str]]:
    """Yield the texts of answers in batches, and remember which answers they belong to."""
    remaining = iter(answers)
    while batch := list(islice(remaining, BATCH_ANSWERS)):
        batches.append(batch)
        yield [answer.record.text for answer in batch]


def _summary(run: _Run, faults: Faults, annotator: Annotator) -> dict[str, Any]:
    counter = load_counter(annotator.tokenizer)
    return {
        "documents": run.num_answers,
        "annotated": run.num_parallel,
        "empty": run.num_answers - len(run.speedups),
        "resumed": run.num_resumed,
        "faults": faults.num_faults,
        "geomean_ideal_speedup": geometric_mean(run.speedups) if run.speedups else None,
        "tokenizer": {"name": counter.name, "is_exact": counter.is_exact},
        "method": annotator.method,
        "policy": asdict(annotator.policy) if annotator.method == "structure" else None,
    }


def _show(summary: dict[str, Any], summary_format: SummaryFormat) -> None:
    """Write the summary; averages leave out empty answers, and those written by an earlier run."""
    if summary_format == "json":
        write_json("annotate", summary)
        return
    num_answers, num_parallel = summary["documents"], summary["annotated"]
    share = f" ({num_parallel / num_answers:.0%})" if num_answers else ""
    sentence = f"pasta: {num_parallel:,} of {num_answers:,} answers have branches now{share}"
    if summary["geomean_ideal_speedup"] is not None:
        counted = counted_with(summary["tokenizer"]["name"], is_exact=summary["tokenizer"]["is_exact"])
        sentence += f"; ideal speed-up {summary['geomean_ideal_speedup']:.3f} (geometric mean, tokens of {counted})"
    if summary["resumed"]:
        sentence += f"; {summary['resumed']:,} had been written before"
    click.echo(sentence, err=True)
