"""The command `pasta decode`: loads an engine, hands it documents or prompts, and shows what came of them."""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from grammar import PastaError
from pasta_toolkit.cli.decode_lanes import Lanes
from pasta_toolkit.cli.decode_options import engine_options, free_options, output_options, request_options
from pasta_toolkit.cli.decode_results import Row, exit_code, report_text, row_data, summary
from pasta_toolkit.cli.shared import examples, field_option, write_json
from pasta_toolkit.cli.task_input import Task, TaskReader

if TYPE_CHECKING:
    from pasta_toolkit.cli.decode_run import DecodeRun
    from reference_engine import Engine
    from reference_engine.free_options import FreeOptions

__all__ = ["command"]

NEEDED_PACKAGES = ("torch", "safetensors", "numba")


@click.command(
    name="decode",
    epilog=examples(
        "pasta decode answers.jsonl --limit 10 --sequential",
        "pasta decode answer.txt --layout paged --timeline decode.png --trace decode.jsonl",
        'pasta decode --prompt "What are the parts of a bicycle?" --teach --promise-by 60 --distinct-topics',
        "pasta decode --prompts questions.jsonl --batch 8 --format json",
        "pasta decode answers.jsonl --model path/to/folder --device cuda --step cuda",
    ),
)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@field_option
@request_options
@engine_options
@free_options
@output_options
def command(paths: tuple[str, ...], **options: Any) -> None:
    """Decode with a real model, several threads at a time over one KV pool.

    PATH is a file or a folder of annotated responses, or - for standard input: the engine executes the very DAG of each
    (forced mode), so that its time can be measured. With --prompt or --prompts the model answers itself, every thread
    under the mask (free mode); answers go to standard output as they are read, without tags.

    The embedded model was not trained on the language: left alone it promises nothing. --teach and --promise-by make it
    try.

    Exit codes: 0 fine, 1 when some requests failed or some answers are ill-formed, 2 on wrong usage or when all failed.
    """
    _check_usage(paths, options)
    reader = TaskReader(options["prompt_field"], limit=options["limit"])
    if paths:
        tasks = reader.documents(paths, field=options["field"])
    else:
        tasks = reader.prompts(options["prompts"], options["prompts_path"])
    if not tasks:
        raise PastaError("there is nothing to decode: no record holds a valid document or a prompt")
    run, rows, about = _decoded(tasks, options)
    _write_files(run, options, about, first=tasks[0].name)
    _show(rows, summary(rows, decode_s=run.decode_s), about, output_format=options["output_format"])
    sys.exit(exit_code(rows, reader.num_faults))


def _check_usage(paths: Sequence[str], options: dict[str, Any]) -> None:
    has_prompts = bool(options["prompts"]) or options["prompts_path"] is not None
    if bool(paths) == has_prompts:
        raise click.UsageError("Give either PATH, annotated responses to execute, or --prompt or --prompts to answer.")
    if options["is_raw"] and options["is_taught"]:
        raise click.UsageError("--teach needs the chat template, which --raw leaves out.")
    for package in NEEDED_PACKAGES:
        if find_spec(package) is None:
            raise PastaError(f"`pasta decode` needs the package {package}: pip install 'pasta-toolkit[engine]'")


def _decoded(tasks: Sequence[Task], options: dict[str, Any]) -> "tuple[DecodeRun, list[Row], dict[str, Any]]":
    from pasta_toolkit.cli.decode_engine import load_engine  # noqa: PLC0415
    from pasta_toolkit.cli.decode_run import DecodeRun  # noqa: PLC0415

    free = _free_options(options)
    with Lanes() as lanes:
        engine = load_engine(options)
        lanes.say(engine.step_sentence)
        run = DecodeRun(engine, lanes, free_options=free, is_raw=options["is_raw"], is_taught=options["is_taught"])
        rows = run.rows(tasks, batch=options["batch"], is_compared=options["is_compared"])
    return run, rows, _about(engine, options)


def _free_options(options: dict[str, Any]) -> "FreeOptions":
    from pasta_toolkit.mask import Limits  # noqa: PLC0415
    from reference_engine.free_options import FreeOptions  # noqa: PLC0415
    from reference_engine.sampler import Sampling  # noqa: PLC0415

    return FreeOptions(
        sampling=Sampling(options["temperature"], options["top_p"], options["seed"]),
        max_tokens=options["max_tokens"],
        max_branch_tokens=options["max_tokens"],
        branch_margin=options["branch_margin"],
        limits=Limits(
            max_promises=options["max_promises"],
            first_promise_by=options["promise_by"],
            require_sync=options["require_sync"],
            distinct_topics=options["distinct_topics"],
        ),
        is_masked=options["is_masked"],
    )


def _about(engine: "Engine", options: dict[str, Any]) -> dict[str, Any]:
    chosen = ("layout", "positions", "num_slots", "row_slots", "batch", "jump_forward")
    return {
        "model": engine.model.name,
        "device": str(engine.model.device),
        "dtype": str(engine.model.dtype).removeprefix("torch."),
        "step": engine.step_sentence,
        **{name: options[name] for name in chosen},
        "max_batched_tokens": engine.options.limits.max_batched_tokens,
    }


def _show(rows: Sequence[Row], totals: dict[str, Any], about: dict[str, Any], *, output_format: str) -> None:
    if output_format == "json":
        write_json("decode", {"about": about, "rows": [row_data(row) for row in rows], "summary": totals})
        return
    answers = [(row.document, row.text) for row in rows if row.text is not None]
    for name, text in answers:
        click.echo(f"== {name} ==\n{text}\n" if len(rows) > 1 else text)
    click.echo(report_text(rows, totals), nl=False, err=bool(answers))


def _write_files(run: "DecodeRun", options: dict[str, Any], about: dict[str, Any], *, first: str) -> None:
    from pasta_toolkit.cli.decode_files import write_timeline, write_trace_file  # noqa: PLC0415

    if options["trace_path"] is not None:
        write_trace_file(options["trace_path"], run.log, about=about, recordings=run.recordings)
    if options["timeline_path"] is not None:
        write_timeline(options["timeline_path"], run.log, first)
