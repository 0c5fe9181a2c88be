"""The command `pasta replay`: serves a recorded load again, and lays the prediction beside what its log says."""

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pasta_toolkit.cli.shared import examples, write_errors_said, write_json
from pasta_toolkit.cli.simulate_options import (
    cost_name,
    device_options,
    kv_slots_option,
    preemption_option,
    replicas_option,
    router_option,
    table_format_option,
)
from pasta_toolkit.cli.status_line import StatusLine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pasta_toolkit.report.replay import ReplayPart, ReplayReport
    from pasta_toolkit.specs import HardwareSpec, ModelSpec
    from simulator.model_cost import ModelCost
    from simulator.replica import Serving
    from simulator.simulation import Simulated
    from simulator.trace_files import RecordedRequest

__all__ = ["command"]

NANOSECONDS_PER_SECOND = 1e9


@click.command(
    name="replay",
    epilog=examples(
        "pasta replay log.csv --model llama-3.1-8b --hardware rtx-4090 --kernel-tables layers/4090 --kv-slots 41408",
        "pasta replay requests.jsonl --model llama-3.1-8b --hardware h100 --format json",
        "pasta replay azure.csv --limit 2000 --model llama-3-70b --hardware h100 --tensor-parallel 4 --replicas 2",
    ),
)
@click.argument("log", metavar="LOG", type=click.Path(path_type=Path))
@device_options
@kv_slots_option
@click.option("--page-tokens", type=click.IntRange(min=1), default=16, show_default=True, help="Tokens of a KV page.")
@click.option(
    "--max-requests", type=click.IntRange(min=1), default=256, show_default=True, help="Most requests at once."
)
@click.option(
    "--max-batched-tokens", type=click.IntRange(min=1), default=2048, show_default=True, help="Most tokens in a step."
)
@click.option(
    "--prefix-cache/--no-prefix-cache",
    default=True,
    show_default=True,
    help="Whether what is still in the cache is not fed again, as after a preemption.",
)
@preemption_option
@replicas_option
@router_option
@click.option("--limit", type=click.IntRange(min=1), help="Only the first requests of the log.")
@click.option(
    "--speed-from",
    "num_seen",
    type=click.IntRange(min=0),
    default=30,
    show_default=True,
    help="With a served model's layers: take the engine's speed over them from so many requests, the first ones after "
    "5 s of the log, and judge the others too; 0: do not.",
)
@table_format_option
@click.option("--plots", "plots_path", type=click.Path(path_type=Path), help="Write a plot as SVG into a folder.")
def command(log: Path, **options: Any) -> None:
    """Serve the requests of a recorded load again, and say how far the prediction is from what the log says.

    LOG is a load that pasta simulate --load-file reads: a vLLM log with the times of its tokens, which the prediction
    is compared with, or Azure, Mooncake or own arrivals, for which it stands alone. Each request has its own prompt,
    length and arrival, and one thread.
    """
    from pasta_toolkit.report.replay import ReplayReport  # noqa: PLC0415
    from pasta_toolkit.report.replay_text import write_replay_plot  # noqa: PLC0415
    from pasta_toolkit.specs import load_hardware, load_model  # noqa: PLC0415
    from simulator.study import kv_capacity  # noqa: PLC0415
    from simulator.trace_files import read_recorded  # noqa: PLC0415

    model, hardware = load_model(options["model_name"]), load_hardware(options["hardware_name"])
    capacity = kv_capacity(model, hardware, tensor_parallel=options["tensor_parallel"])
    recorded, serving = read_recorded(log, limit=options["limit"]), _serving(options, capacity)
    cost_at = cache(partial(_cost, model, hardware, options))
    with StatusLine() as status:

        @cache
        def replayed_at(speed: float) -> "Simulated":
            status.show(f"{len(recorded):,} requests at {speed:.3f} times the cost model's speed")
            return _replayed(recorded, serving, cost_at(speed), options)

        parts = [_as_priced(recorded, replayed_at, options["engine_speed"])]
        telling = _telling(recorded, cost_at, options)
        if telling:
            parts.append(_at_engine_speed(recorded, replayed_at, telling))
    about = _about(log, recorded, options, model=model, hardware=hardware, serving=serving)
    report = ReplayReport(tuple(about), tuple(parts))
    _show(report, options["output_format"])
    if options["plots_path"] is not None:
        with write_errors_said():
            write_replay_plot(report, options["plots_path"])


def _serving(options: dict[str, Any], capacity_slots: int) -> "Serving":
    from pasta_toolkit.runtime import Limits, Paged, Preemption  # noqa: PLC0415
    from simulator.replica import Serving  # noqa: PLC0415

    return Serving(
        limits=Limits(
            max_lanes=options["max_requests"],
            max_batched_tokens=options["max_batched_tokens"],
            max_requests=options["max_requests"],
        ),
        layout=Paged(options["page_tokens"]),
        kv_slots=capacity_slots if options["kv_slots"] is None else options["kv_slots"],
        remembers_cache=options["prefix_cache"],
        preemption=Preemption(options["preemption"]),
    )


def _cost(model: "ModelSpec", hardware: "HardwareSpec", options: dict[str, Any], speed: float) -> "ModelCost":
    from simulator.pricing import cost_of  # noqa: PLC0415

    return cost_of(
        model,
        hardware,
        name=cost_name(options),
        tensor_parallel=options["tensor_parallel"],
        kernel_tables=options["kernel_tables"],
        engine_speed=speed,
    )


def _replayed(
    recorded: "Sequence[RecordedRequest]", serving: "Serving", cost: "ModelCost", options: dict[str, Any]
) -> "Simulated":
    from simulator.replay import replay  # noqa: PLC0415
    from simulator.router import router  # noqa: PLC0415

    chosen = router(options["router"])
    return replay(recorded, serving, cost=cost, num_replicas=options["replicas"], router=chosen)


def _as_priced(
    recorded: "Sequence[RecordedRequest]", replayed_at: "Callable[[float], Simulated]", speed: float
) -> "ReplayPart":
    from pasta_toolkit.report.replay import ReplayPart  # noqa: PLC0415
    from simulator.replay import replayed_requests  # noqa: PLC0415

    title = "As they are priced" if speed == 1 else f"At {speed:g} times the layers' speed"
    return ReplayPart(title, replayed_requests(recorded, replayed_at(speed)))


def _telling(
    recorded: "Sequence[RecordedRequest]", cost_at: "Callable[[float], ModelCost]", options: dict[str, Any]
) -> tuple[int, ...]:
    """Return the requests that tell the engine's speed; none where prices are not a served model's layers."""
    from simulator.cost import ServingTableModel  # noqa: PLC0415
    from simulator.replay import telling_requests  # noqa: PLC0415

    if options["engine_speed"] != 1 or not isinstance(cost_at(1.0).step_model, ServingTableModel):
        return ()
    telling = telling_requests(recorded, options["num_seen"])
    return telling if len(telling) < len(recorded) else ()


def _at_engine_speed(
    recorded: "Sequence[RecordedRequest]", replayed_at: "Callable[[float], Simulated]", telling: tuple[int, ...]
) -> "ReplayPart":
    """Replay at the speed that these requests tell; they are not judged."""
    from pasta_toolkit.report.replay import ReplayPart  # noqa: PLC0415
    from simulator.replay import engine_speed, replayed_requests  # noqa: PLC0415

    speed = engine_speed(recorded, replayed_at, telling)
    requests = replayed_requests(recorded, replayed_at(speed))
    told = f"{len(telling)} requests" if len(telling) > 1 else "one request"
    title = f"At {speed:.3f} times the layers' speed, from {told}; the others"
    return ReplayPart(title, tuple(request for number, request in enumerate(requests) if number not in telling))


def _about(
    log: Path,
    recorded: "Sequence[RecordedRequest]",
    options: dict[str, Any],
    *,
    model: "ModelSpec",
    hardware: "HardwareSpec",
    serving: "Serving",
) -> list[tuple[str, str]]:
    seconds = recorded[-1].at_ns / NANOSECONDS_PER_SECOND
    devices = f"{options['tensor_parallel']} x " if options["tensor_parallel"] > 1 else ""
    replicas = f", {options['replicas']} replicas, {options['router']}" if options["replicas"] > 1 else ""
    return [
        ("log", str(log)),
        ("requests", f"{len(recorded):,}, arriving over {seconds:,.1f} s"),
        ("model", model.name),
        ("hardware", f"{devices}{hardware.name}{replicas}"),
        ("cost model", cost_name(options)),
        ("KV cache", f"{serving.kv_slots:,} tokens in pages of {options['page_tokens']}"),
        ("at once", f"{options['max_requests']:,} requests, {options['max_batched_tokens']:,} tokens a step"),
        ("prefix cache", "yes" if options["prefix_cache"] else "no"),
    ]


def _show(report: "ReplayReport", output_format: str) -> None:
    from pasta_toolkit.report.replay_text import (  # noqa: PLC0415
        replay_csv,
        replay_data,
        replay_markdown,
        replay_text,
    )

    if output_format == "json":
        write_json("replay", replay_data(report))
    else:
        renderers = {"csv": replay_csv, "markdown": replay_markdown, "text": replay_text}
        click.echo(renderers[output_format](report), nl=False)
