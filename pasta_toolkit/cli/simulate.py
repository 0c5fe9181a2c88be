"""The command `pasta simulate`: reads answers, hands them to a study, shows its report. Computes nothing itself."""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from pasta_toolkit.cli.shared import (
    EXIT_FINDINGS,
    examples,
    field_option,
    tokenizer_option,
    write_errors_said,
    write_json,
)
from pasta_toolkit.cli.simulate_input import AnswerReader, recorded_answers
from pasta_toolkit.cli.simulate_options import (
    STRATEGIES,
    cost_name,
    device_options,
    load_options,
    output_options,
    serving_options,
    strategy_options,
)
from pasta_toolkit.cli.status_line import StatusLine

if TYPE_CHECKING:
    from pasta_toolkit.report.simulation import SimulationReport
    from pasta_toolkit.tokens import TokenCounter
    from simulator.replica import Serving
    from simulator.study import Study
    from simulator.trace_files import RecordedRequest

__all__ = ["command"]

DEFAULT_PROMPT_TOKENS = 64
DEFAULT_STRATEGIES = ("sequential", "pasta")


@click.command(
    name="simulate",
    epilog=examples(
        "pasta simulate annotated.jsonl",
        "pasta simulate annotated.jsonl --model llama-3.1-8b --hardware rtx-4090 --strategy all --html report.html",
        "pasta simulate annotated.jsonl --rate 1 --rate 4 --rate 16 --slo-latency 5 --format json",
        "pasta simulate --load-file azure.csv --requests 1000",
        "pasta simulate --load-file mooncake.jsonl --prefix-cache --replicas 4 --router prefix-aware",
        "pasta simulate answer.dag.json --cost table --kernel-tables measured/",
    ),
)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@field_option
@tokenizer_option
@click.option("--prompt-field", default="instruction", show_default=True, help="Field that holds the prompt.")
@click.option(
    "--prompt-tokens",
    type=click.IntRange(min=1),
    default=DEFAULT_PROMPT_TOKENS,
    show_default=True,
    help="Tokens of the prompt where a record has none.",
)
@device_options
@strategy_options
@serving_options
@load_options
@output_options
def command(paths: tuple[str, ...], **options: Any) -> None:
    """Predict how long annotated answers take to decode, how much faster than sequentially, and why not faster.

    PATH is a file or a folder of annotated responses, a DAG as pasta dag --format json writes it (a name that ends in
    .json), or - for standard input. Answers that are not valid are named on
    stderr and left out; the exit code is 1 then. Without PATH, the requests of --load-file are served with their own
    lengths, one thread each.
    """
    from pasta_toolkit.specs import load_hardware, load_model  # noqa: PLC0415
    from pasta_toolkit.tokens import load_counter  # noqa: PLC0415
    from simulator.pricing import cost_of  # noqa: PLC0415
    from simulator.study import run_study  # noqa: PLC0415

    if not paths and options["load_file"] is None:
        raise click.UsageError("Missing argument 'PATH...': annotated responses, or --load-file alone.")
    model, hardware = load_model(options["model_name"]), load_hardware(options["hardware_name"])
    options["cost_name"] = cost_name(options)
    cost = cost_of(
        model,
        hardware,
        name=options["cost_name"],
        tensor_parallel=options["tensor_parallel"],
        kernel_tables=options["kernel_tables"],
        engine_speed=options["engine_speed"],
    )
    counter = load_counter(options["tokenizer"])
    recorded = _recorded(options)
    study = _study(options, model, hardware, counter=counter, recorded=recorded)
    reader = AnswerReader(options["prompt_field"])
    if paths:
        reader.read(paths, field=options["field"])
        answers = reader.answers(counter, default_prompt_tokens=options["prompt_tokens"])
    else:
        answers = recorded_answers(recorded, name=str(options["load_file"]))
        study = replace(study, strategies=_strategies(options, default=("sequential",)))
    about = _about(options, study, model.name, hardware.name, counter=counter, num_answers=len(answers))
    with StatusLine() as status:
        report = run_study(answers, study, cost=cost, about=about, progress=status.show)
    _show(report, options["output_format"])
    _write_files(report, options)
    if reader.num_faults:
        click.echo(f"pasta: {reader.num_faults} records are not valid and were left out", err=True)
        sys.exit(EXIT_FINDINGS)


def _recorded(options: dict[str, Any]) -> "tuple[RecordedRequest, ...]":
    from simulator.trace_files import read_recorded  # noqa: PLC0415

    if options["load_file"] is None or options["num_requests"] < 1:
        return ()
    return read_recorded(options["load_file"], limit=options["num_requests"])


def _strategies(options: dict[str, Any], *, default: tuple[str, ...]) -> tuple[str, ...]:
    if "all" in options["strategies"]:
        return STRATEGIES
    return tuple(dict.fromkeys(options["strategies"])) or default


def _study(
    options: dict[str, Any],
    model: Any,
    hardware: Any,
    *,
    counter: "TokenCounter",
    recorded: "tuple[RecordedRequest, ...]",
) -> "Study":
    from pasta_toolkit.report.load import Objective  # noqa: PLC0415
    from pasta_toolkit.runtime import TagTokens  # noqa: PLC0415
    from simulator.load import Cluster  # noqa: PLC0415
    from simulator.strategies import StrategyOptions  # noqa: PLC0415
    from simulator.study import Loads, Study, kv_capacity, recorded_rates  # noqa: PLC0415

    serving = _serving(options, kv_capacity(model, hardware, tensor_parallel=options["tensor_parallel"]))
    objective = Objective(options["slo_ttft"], options["slo_tpot"], options["slo_latency"])
    return Study(
        strategies=_strategies(options, default=DEFAULT_STRATEGIES),
        options=StrategyOptions(
            jump_forward=TagTokens.counted(counter.count) if options["jump_forward"] else None,
            draft_tokens=options["draft_tokens"],
            acceptance=options["acceptance"],
            draft_cost=options["draft_cost"],
            seed=options["seed"],
        ),
        serving=serving,
        cluster=Cluster(serving, options["replicas"], options["router"], objective),
        loads=Loads(
            rates_per_s=options["rates"] or recorded_rates(recorded),
            num_requests=options["num_requests"],
            process=options["arrivals"],
            burstiness=options["burstiness"],
            recorded_ns=tuple(request.at_ns for request in recorded),
            seed=options["seed"],
        ),
        timeline_of=options["timeline_name"],
    )


def _serving(options: dict[str, Any], capacity_slots: int) -> "Serving":
    from pasta_toolkit.runtime import Limits, Preemption, kv_layout, ordering  # noqa: PLC0415
    from simulator.replica import Serving  # noqa: PLC0415

    names = ("max_lanes", "max_batched_tokens", "max_threads", "serialise_above")
    limits = Limits(**{name: options[name] for name in names if options[name] is not None})
    return Serving(
        limits=limits,
        layout=kv_layout(options["kv_layout"]),
        kv_slots=capacity_slots if options["kv_slots"] is None else options["kv_slots"],
        remembers_cache=options["prefix_cache"],
        preemption=Preemption(options["preemption"]),
        order=ordering(options["order"]),
    )


def _about(
    options: dict[str, Any], study: "Study", model: str, hardware: str, *, counter: "TokenCounter", num_answers: int
) -> list[tuple[str, str]]:
    devices = f"{options['tensor_parallel']} x {hardware}" if options["tensor_parallel"] > 1 else hardware
    return [
        ("model", model),
        ("hardware", devices),
        ("cost model", options["cost_name"]),
        ("answers", f"{num_answers:,}"),
        ("tokens counted by", counter.name),
        ("KV layout", options["kv_layout"]),
        ("jump-forward", "yes" if options["jump_forward"] else "no"),
        *_about_load(options, study),
        ("seed", str(options["seed"])),
    ]


def _about_load(options: dict[str, Any], study: "Study") -> list[tuple[str, str]]:
    if not study.loads.rates_per_s:
        return []
    source = f"as in {options['load_file']}" if options["load_file"] else options["arrivals"]
    num_requests = len(study.loads.recorded_ns) or study.loads.num_requests
    replicas = study.cluster.num_replicas
    return [
        ("arrivals", f"{num_requests:,}, {source}"),
        ("served by", f"{replicas} replicas, {options['router']}" if replicas > 1 else "1 replica"),
        ("prefix cache", "yes" if options["prefix_cache"] else "no"),
    ]


def _show(report: "SimulationReport", output_format: str) -> None:
    from pasta_toolkit.report.data import csv_text, json_content  # noqa: PLC0415
    from pasta_toolkit.report.text import markdown, text  # noqa: PLC0415

    if output_format == "json":
        write_json("simulate", json_content(report))
    else:
        renderers = {"csv": csv_text, "markdown": markdown, "text": text}
        click.echo(renderers[output_format](report), nl=False)


def _write_files(report: "SimulationReport", options: dict[str, Any]) -> None:
    from pasta_toolkit.report.chrome_trace import chrome_trace  # noqa: PLC0415
    from pasta_toolkit.report.html import html  # noqa: PLC0415
    from pasta_toolkit.report.plots import write_plots  # noqa: PLC0415
    from pasta_toolkit.runtime import write_trace  # noqa: PLC0415

    with write_errors_said():
        if options["html_path"] is not None:
            options["html_path"].write_text(html(report), encoding="utf-8")
        if options["trace_path"] is not None and report.timeline is not None:
            options["trace_path"].write_text(chrome_trace(report.timeline), encoding="utf-8")
        if options["events_path"] is not None:
            with options["events_path"].open("w", encoding="utf-8") as stream:
                write_trace(report.events, stream, about=dict(report.about))
        if options["plots_path"] is not None:
            write_plots(report, options["plots_path"])
