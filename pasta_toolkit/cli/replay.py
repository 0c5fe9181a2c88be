"""The command `pasta replay`: serves a recorded load again, and lays the prediction beside what its log says."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pasta_toolkit.cli.shared import examples, write_json
from pasta_toolkit.cli.simulate_options import cost_name, device_options
from pasta_toolkit.cli.status_line import StatusLine

if TYPE_CHECKING:
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
@click.option(
    "--kv-slots",
    type=int,
    help="Tokens that the KV cache holds (vLLM: its GPU blocks x 16). Default: what the device has room for.",
)
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
@click.option(
    "--preemption",
    type=click.Choice(["recompute", "swap"]),
    default="recompute",
    show_default=True,
    help="What happens to the cache of a request that must go.",
)
@click.option("--replicas", type=click.IntRange(min=1), default=1, show_default=True, help="Copies of the model.")
@click.option(
    "--router",
    type=click.Choice(["least-loaded", "prefix-aware", "round-robin"]),
    default="least-loaded",
    show_default=True,
    help="Which replica gets a request.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first requests of the log.")
@click.option(
    "--speed-from",
    "num_seen",
    type=click.IntRange(min=0),
    default=30,
    show_default=True,
    help="With a served model's layers: take the engine's speed over them from so many first requests of the log, and "
    "judge the others too; 0: do not.",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["csv", "json", "markdown", "text"]),
    default="text",
    show_default=True,
)
@click.option("--plots", "plots_path", type=click.Path(path_type=Path), help="Write a plot as SVG into a folder.")
def command(log: Path, **options: Any) -> None:
    """Serve the requests of a recorded load again, and say how far the prediction is from what the log says.

    LOG is a load that pasta simulate --load-file reads: a vLLM log with the times of its tokens, which the prediction
    is compared with, or Azure, Mooncake or own arrivals, for which it stands alone. Each request has its own prompt,
    length and arrival, and one thread.
    """
    from pasta_toolkit.specs import load_hardware, load_model  # noqa: PLC0415
    from simulator.study import kv_capacity  # noqa: PLC0415
    from simulator.trace_files import read_recorded  # noqa: PLC0415

    model, hardware = load_model(options["model_name"]), load_hardware(options["hardware_name"])
    capacity = kv_capacity(model, hardware, tensor_parallel=options["tensor_parallel"])
    recorded = read_recorded(log, limit=options["limit"])
    with StatusLine() as status:
        replaying = _Replaying(recorded, model, hardware, _serving(options, capacity), options, status)
        report = replaying.report(log)
    _show(report, options["output_format"])
    if options["plots_path"] is not None:
        _write_plot(report, options["plots_path"])


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


@dataclass(frozen=True, slots=True)
class _Replaying:
    """A log, what serves it, the options, and the line that says what the work is at."""

    recorded: "tuple[RecordedRequest, ...]"
    model: "ModelSpec"
    hardware: "HardwareSpec"
    serving: "Serving"
    options: dict[str, Any]
    status: StatusLine

    def report(self, log: Path) -> "ReplayReport":
        """Replay at the prices as they are, and where a log can tell it, at its engine's speed."""
        from pasta_toolkit.report.replay import ReplayReport  # noqa: PLC0415

        speed = self.options["engine_speed"]
        parts = [self._part("As they are priced" if speed == 1 else f"At {speed:g} times the layers' speed", speed)]
        if self._tells_speed():
            parts.append(self._part_at_engine_speed())
        return ReplayReport(tuple(self._about(log)), tuple(parts))

    def _tells_speed(self) -> bool:
        """Whether the prices are a served model's layers, and the log says how long its first requests took."""
        from simulator.cost import ServingTableModel  # noqa: PLC0415

        is_asked = self.options["engine_speed"] == 1 and 0 < self.options["num_seen"] < len(self.recorded)
        has_ends = all(request.decode_ns is not None for request in self.recorded)
        return is_asked and has_ends and isinstance(self._cost(1.0).step_model, ServingTableModel)

    def _part_at_engine_speed(self) -> "ReplayPart":
        """Replay at the speed that the first requests tell; they are not judged."""
        from simulator.replay import engine_speed  # noqa: PLC0415

        num_seen = self.options["num_seen"]
        try:
            speed = engine_speed(self.recorded, self._replayed, num_requests=num_seen)
        except ValueError as error:
            raise click.UsageError(f"{error}; give --speed-from 0") from error
        first = f"the first {num_seen} requests" if num_seen > 1 else "the first request"
        return self._part(f"At {speed:.3f} times the layers' speed, from {first}; the others", speed, after=num_seen)

    def _part(self, title: str, speed: float, *, after: int = 0) -> "ReplayPart":
        from pasta_toolkit.report.replay import ReplayPart  # noqa: PLC0415
        from simulator.replay import replayed_requests  # noqa: PLC0415

        return ReplayPart(title, replayed_requests(self.recorded, self._replayed(speed))[after:])

    def _replayed(self, speed: float) -> "Simulated":
        from simulator.replay import replay  # noqa: PLC0415
        from simulator.router import router  # noqa: PLC0415

        self.status.show(f"{len(self.recorded):,} requests at {speed:.3f} times the cost model's speed")
        return replay(
            self.recorded,
            self.serving,
            cost=self._cost(speed),
            num_replicas=self.options["replicas"],
            router=router(self.options["router"]),
        )

    def _cost(self, speed: float) -> "ModelCost":
        from simulator.pricing import cost_of  # noqa: PLC0415

        return cost_of(
            self.model,
            self.hardware,
            name=cost_name(self.options),
            tensor_parallel=self.options["tensor_parallel"],
            kernel_tables=self.options["kernel_tables"],
            engine_speed=speed,
        )

    def _about(self, log: Path) -> list[tuple[str, str]]:
        options, seconds = self.options, self.recorded[-1].at_ns / NANOSECONDS_PER_SECOND
        devices = f"{options['tensor_parallel']} x " if options["tensor_parallel"] > 1 else ""
        replicas = f", {options['replicas']} replicas, {options['router']}" if options["replicas"] > 1 else ""
        return [
            ("log", str(log)),
            ("requests", f"{len(self.recorded):,}, arriving over {seconds:,.1f} s"),
            ("model", self.model.name),
            ("hardware", f"{devices}{self.hardware.name}{replicas}"),
            ("cost model", cost_name(options)),
            ("KV cache", f"{self.serving.kv_slots:,} tokens in pages of {options['page_tokens']}"),
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


def _write_plot(report: "ReplayReport", folder: Path) -> None:
    from pasta_toolkit.records import InputError  # noqa: PLC0415
    from pasta_toolkit.report.replay_text import write_replay_plot  # noqa: PLC0415

    try:
        write_replay_plot(report, folder)
    except OSError as error:
        raise InputError(f"cannot write {error.filename!r}: {error.strerror}") from error
