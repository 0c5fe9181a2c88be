"""`pasta spec`: lists devices and models, or shows one. Computes nothing itself."""

from collections.abc import Sequence
from typing import Any

import click

from pasta_toolkit.cli.shared import examples, write_json
from pasta_toolkit.specs import HardwareSpec, ModelSpec, hardware_specs, load_any, model_specs
from pasta_toolkit.specs.summary import derived_values, stated_values

__all__ = ["command"]

GIGA = 1e9
TERA = 1e12
BYTES_PER_GIB = 2**30
BYTES_PER_KIB = 2**10


@click.command(
    name="spec",
    epilog=examples("pasta spec", "pasta spec h100", "pasta spec llama-3.1-8b --tensor-parallel 2 --format json"),
)
@click.argument("name", metavar="[NAME|PATH]", required=False)
@click.option(
    "--tensor-parallel",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Devices that share a model: derived values are those of one device.",
)
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(name: str | None, *, tensor_parallel: int, output_format: str) -> None:
    """List the known devices and models, or show one with derived values and sources.

    NAME is a name or an alias in any case; PATH is a TOML file of your own.
    """
    content = _listing() if name is None else _one(load_any(name), tensor_parallel)
    if output_format == "json":
        write_json("spec", content)
    elif name is None:
        _print_listing()
    else:
        _print_one(content)


def _listing() -> dict[str, Any]:
    return {
        "hardware": [_entry(spec) for spec in hardware_specs()],
        "models": [_entry(spec) for spec in model_specs()],
    }


def _entry(spec: HardwareSpec | ModelSpec) -> dict[str, Any]:
    return {**stated_values(spec), "derived": derived_values(spec)}


def _one(spec: HardwareSpec | ModelSpec, tensor_parallel: int) -> dict[str, Any]:
    return {
        "kind": "hardware" if isinstance(spec, HardwareSpec) else "model",
        "tensor_parallel": tensor_parallel,
        "spec": stated_values(spec),
        "derived": derived_values(spec, tensor_parallel=tensor_parallel),
    }


def _print_listing() -> None:
    hardware = [
        (
            spec.name,
            f"{spec.bf16_dense_flops_per_s / TERA:.4g}",
            f"{spec.memory_bandwidth_bytes_per_s / GIGA:.4g}",
            f"{spec.memory_capacity_bytes / BYTES_PER_GIB:.4g}",
        )
        for spec in hardware_specs()
    ]
    models = [
        (spec.name, f"{spec.num_parameters / GIGA:.4g}", f"{spec.kv_bytes_per_token() / BYTES_PER_KIB:.4g}")
        for spec in model_specs()
    ]
    _print_table(("device", "bf16 TFLOP/s", "GB/s", "GiB"), hardware)
    click.echo()
    _print_table(("model", "10^9 parameters", "KV KiB/token"), models)


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        click.echo("  ".join(cells).rstrip())


def _print_one(content: dict[str, Any]) -> None:
    spec, unverified = content["spec"], content["spec"].get("unverified", ())
    for key, value in spec.items():
        if key not in ("source", "unverified", "calibration"):
            click.echo(f"{key} = {value}{'  (unverified)' if key in unverified else ''}")
    if "calibration" in spec:
        click.echo(f"calibration: {spec['calibration']['method']} ({spec['calibration']['num_rows']} rows)")
    click.echo(f"\nderived{_per_device(content['tensor_parallel'])}")
    for key, value in content["derived"].items():
        click.echo(f"{key} = {value:,.6g}" if value < 1 else f"{key} = {value:,.0f}")
    click.echo("\nsource")
    for source in spec["source"]:
        click.echo(f"- {source}")


def _per_device(tensor_parallel: int) -> str:
    return f" (one of {tensor_parallel} devices)" if tensor_parallel > 1 else ""
