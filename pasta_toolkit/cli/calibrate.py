"""The command `pasta calibrate`: measures steps of a model on this device, writes a profile. Computes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from pasta_toolkit.cli.engine_options import model_options, row_slots_option, threads_option
from pasta_toolkit.cli.shared import examples, write_json
from pasta_toolkit.cli.simulate_options import option_group
from pasta_toolkit.cli.status_line import StatusLine

if TYPE_CHECKING:
    from pasta_toolkit.report.measurement import StepSample
    from pasta_toolkit.specs import HardwareSpec
    from reference_engine import Engine
    from simulator.cost.pool_fit import PoolFit

__all__ = ["CalibratedProfile", "calibrated", "command", "engine_options", "profile_of"]

DEFAULT_SECONDS = 100
MOST_SECONDS = 120
PROBE_EVERY = 3  # ours, in steps: a visit is short
NOISY = 0.05  # ours: a spread between rounds above which errors say more of the machine than of the model

engine_options = option_group(
    model_options,
    threads_option,
    click.option(
        "--slots",
        "num_slots",
        type=click.IntRange(min=1),
        help="Tokens that the KV pool holds. Default: 4096; layout copied: 40 rows.",
    ),
    row_slots_option,
)


@click.command(
    name="calibrate",
    epilog=examples(
        "pasta calibrate --output profile.toml",
        "pasta calibrate --model smollm2 --threads 1 --layout copied --output copied.toml",
        "pasta simulate annotated.jsonl --model smollm2-135m --hardware profile.toml",
    ),
)
@engine_options
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The profile to write.")
@click.option("--name", help="What to call the device. Default: as it calls itself.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, max=MOST_SECONDS),
    default=DEFAULT_SECONDS,
    show_default=True,
    help="How long to measure; three rounds at least.",
)
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(output: Path, *, name: str | None, seconds: float, output_format: str, **options: Any) -> None:
    """Measure twelve step shapes of a model on this device, and write a hardware profile that the simulator reads.

    Close other programs first: a noisy machine is detected and said, not mended.
    """
    from pasta_toolkit.cli.compare_engine import load_measuring_engine  # noqa: PLC0415

    profile = calibrated(load_measuring_engine(options), seconds=seconds, name=name)
    profile.write(output)
    if profile.warning:
        click.echo(f"pasta: {profile.warning}", err=True)
    if output_format == "json":
        write_json("calibrate", {"profile": str(output), **profile.content()})
    else:
        _show(profile, output)


@dataclass(frozen=True, slots=True)
class CalibratedProfile:
    """A device, what was fitted to its steps, and both as the text of a profile."""

    spec: "HardwareSpec"
    fit: "PoolFit"
    text: str

    @property
    def warning(self) -> str | None:
        """A sentence if the machine was too noisy to trust the profile."""
        spreads = self.fit.spreads
        typical = median(spreads.values())
        if typical <= NOISY:
            return None
        worst = max(spreads, key=lambda shape: spreads[shape])
        return (
            f"this machine is noisy: the middle half of the rounds spreads over {typical:.0%} of a step's time "
            f"({spreads[worst]:.0%} for {worst!r}); close other programs and calibrate again"
        )

    @property
    def interval(self) -> tuple[float, float]:
        """The factors around a prediction between which 90 % of decodes lie."""
        from simulator.cost.interval import interval_factors  # noqa: PLC0415

        return interval_factors(self.fit.calibration.log_residuals)

    def write(self, path: Path) -> None:
        """Write the profile.

        Raises:
            InputError: the file cannot be written.
        """
        from pasta_toolkit.records import InputError  # noqa: PLC0415

        try:
            path.write_text(self.text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot write {str(path)!r}: {error.strerror}") from error

    def content(self) -> dict[str, Any]:
        """Return what a JSON document says of it."""
        fit = self.fit
        return {
            "device": self.spec.name,
            "visits": fit.calibration.num_rows,
            "is_noisy": self.warning is not None,
            "noise": fit.noise,
            "interval": list(self.interval),
            "parameters": dict(fit.calibration.parameters),
            "shapes": [
                {
                    "shape": shape,
                    "error": fit.errors[shape],
                    "spread": fit.spreads[shape],
                    "steady_spread": fit.steady_spreads[shape],
                }
                for shape in fit.errors
            ],
        }


def calibrated(engine: "Engine", *, seconds: float, name: str | None = None) -> CalibratedProfile:
    """Measure, and return what `profile_of` says of it.

    Raises:
        EngineError: the pool is too small.
    """
    from reference_engine.calibration import calibrate  # noqa: PLC0415
    from reference_engine.calibration_shapes import shapes_for  # noqa: PLC0415
    from reference_engine.probe import probe_of  # noqa: PLC0415

    with StatusLine() as status:
        shapes, probe = shapes_for(copies=engine.pool.copies), probe_of(engine, every=PROBE_EVERY)
        samples = list(calibrate(engine, shapes, seconds=seconds, probe=probe, progress=status.show))
    return profile_of(engine, samples, name=name)


def profile_of(
    engine: "Engine", samples: "Sequence[StepSample]", *, in_turns: bool = False, name: str | None = None
) -> CalibratedProfile:
    """Fit the steps of a calibration, and return the device, the fit, and the profile's text.

    `in_turns` says that the visits lay between decodes in turns, which the profile is for.
    """
    from reference_engine.calibration_device import measure_device  # noqa: PLC0415
    from reference_engine.model.summary import num_parameters  # noqa: PLC0415
    from reference_engine.turns import NUM_TURNS  # noqa: PLC0415
    from simulator.cost.pool_fit import fit_pool_steps  # noqa: PLC0415

    device = measure_device(engine.model.device, dtype=engine.model.dtype)
    fit = fit_pool_steps(
        samples,
        unit_slots=engine.pool.placement.unit_slots,
        copies=engine.pool.copies,
        model_parameters=num_parameters(engine.model.config),
        source=_source(engine, device.versions),
        num_turns=NUM_TURNS if in_turns else None,
    )
    spec = _spec(engine, device, name=name)
    return CalibratedProfile(spec, fit, _profile_text(spec, fit))


def _spec(engine: "Engine", device: Any, *, name: str | None) -> "HardwareSpec":
    from pasta_toolkit.specs import HardwareSpec  # noqa: PLC0415

    return HardwareSpec(
        name=name or device.name,
        kind=device.kind,
        architecture=device.name,
        bf16_dense_flops_per_s=round(device.flops_per_s, -6),
        memory_bandwidth_bytes_per_s=round(device.bandwidth_bytes_per_s, -6),
        memory_capacity_bytes=device.memory_bytes,
        num_compute_units=device.num_compute_units,
        source=("measured by `pasta calibrate`: a sum of 256 MiB, a square product of 1536, best of five",),
        note=f"{engine.model.name}, {engine.step_sentence}",
    )


def _source(engine: "Engine", versions: str) -> Sequence[str]:
    from datetime import UTC, datetime  # noqa: PLC0415

    import torch  # noqa: PLC0415

    return (
        f"measured by `pasta calibrate` on {datetime.now(UTC).date().isoformat()}",
        f"model {engine.model.name}, {engine.step_sentence}",
        f"layout {engine.options.layout}, {torch.get_num_threads()} threads",
        versions,
    )


def _profile_text(spec: "HardwareSpec", fit: "PoolFit") -> str:
    from pasta_toolkit.specs.hardware_text import format_hardware  # noqa: PLC0415
    from simulator.cost import format_calibration  # noqa: PLC0415

    return format_hardware(spec, tables=format_calibration(fit.calibration, table="calibration"))


def _show(profile: CalibratedProfile, output: Path) -> None:
    from pasta_toolkit.dag.statistics import Grid, plain_grid  # noqa: PLC0415

    fit, (low, high) = profile.fit, profile.interval
    rows = tuple(
        (shape, f"{error:+.1%}", f"{fit.spreads[shape]:.1%}", f"{fit.steady_spreads[shape]:.1%}")
        for shape, error in fit.errors.items()
    )
    columns = ("shape", "error", "spread of rounds", "at one speed")
    click.echo(plain_grid(Grid("What the fit leaves over", columns, rows)))
    click.echo(f"{fit.calibration.num_rows} visits; 90 % interval of a decode: x {low:.3f} to x {high:.3f}")
    click.echo(f"written: {output}")
