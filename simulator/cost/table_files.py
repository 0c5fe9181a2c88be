"""Finds measured kernels, the shipped ones or a user's, and makes the table model of them. Knows no formula.

Files are told apart by their columns, whatever their names:

- products: system, m, n, k, latency_us; decode attention: system, q_heads, kv_heads, head_dim, batch, context and
  latency_us (aiconfigurator's tables; rows of other systems are left out);
- the layers of one served model: `dense.csv`, `per_sequence.csv` and `attention.csv` (LLMServingSim's profiler), or
  several of them in one folder, each behind a prefix of its own: `PREFIX_dense.csv` and so on.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pasta_toolkit.specs import HardwareSpec, ModelSpec
from simulator.cost.errors import CostError
from simulator.cost.measurements import read_attention_rows, read_matmul_rows
from simulator.cost.serving_profile import ServingProfile, ServingTableModel, layer_files
from simulator.cost.step_cost import CostModel
from simulator.cost.table_kernels import table_model

__all__ = ["shipped_table_model", "table_model_of"]

# Source: aiconfigurator-core 0.12.0 (PyPI, Apache-2.0), gemm and generation_attention tables of bfloat16, NVIDIA.
SHIPPED = Path(__file__).with_name("kernels")

MATMUL_COLUMNS = frozenset(("system", "m", "n", "k", "latency_us"))
ATTENTION_COLUMNS = frozenset(("system", "q_heads", "kv_heads", "head_dim", "batch", "context", "latency_us"))
DENSE = "_dense.csv"


def table_model_of(
    path: Path, model: ModelSpec, hardware: HardwareSpec, *, tensor_parallel: int = 1, speed: float = 1.0
) -> CostModel:
    """Return the table model of the files in a folder, or of those whose common start `path` is.

    A folder's kernels of this device come first, then the one serving profile in it. `speed` is an engine's over its
    layers'; it holds for a serving profile.

    Raises:
        SpecError: the model does not fit the devices.
        CostError: there is nothing here, nothing for this device, or more than one serving profile.
    """
    if path.is_dir():
        found = _Kernels.of(path, hardware)
        if found.matmul_files and found.attention_files:
            _refuse_speed(speed)
            return found.model(model, hardware, tensor_parallel)
        path = _only_profile(path, hardware, found)
    elif not layer_files(path)["dense"].is_file():
        raise CostError(
            f"no kernel tables at {str(path)!r}: give a folder, or the start of the names of a profile's files"
        )
    return ServingTableModel(model, hardware, ServingProfile.read(path), speed=speed, tensor_parallel=tensor_parallel)


def shipped_table_model(model: ModelSpec, hardware: HardwareSpec, *, tensor_parallel: int = 1) -> CostModel:
    """Return the table model of the kernels that come with this package.

    Raises:
        SpecError: the model does not fit the devices.
        CostError: none of this device do.
    """
    found = _Kernels.of(SHIPPED, hardware)
    if not found.matmul_files:
        raise CostError(
            f"no measured kernels of {hardware.name!r} come with this package, only those of "
            f"{', '.join(found.devices)}; give tables of your own, or take the cost model 'fitted'"
        )
    return found.model(model, hardware, tensor_parallel)


@dataclass(frozen=True, slots=True)
class _Kernels:
    """The files of a folder that hold kernels of a device, and the devices that they name."""

    matmul_files: tuple[Path, ...]
    attention_files: tuple[Path, ...]
    devices: tuple[str, ...]

    @staticmethod
    def of(folder: Path, hardware: HardwareSpec) -> "_Kernels":
        by_columns: dict[frozenset[str], list[Path]] = {MATMUL_COLUMNS: [], ATTENTION_COLUMNS: []}
        devices: set[str] = set()
        for path in sorted(folder.glob("*.csv")):
            kind = next((columns for columns in by_columns if columns <= _columns(path)), None)
            if kind is not None:
                named = {row["system"] for row in _rows(path)}
                devices |= named
                if any(_is(hardware, name) for name in named):
                    by_columns[kind].append(path)
        return _Kernels(tuple(by_columns[MATMUL_COLUMNS]), tuple(by_columns[ATTENTION_COLUMNS]), tuple(sorted(devices)))

    def model(self, model: ModelSpec, hardware: HardwareSpec, tensor_parallel: int) -> CostModel:
        matmuls = [row for path in self.matmul_files for row in read_matmul_rows(path) if _is(hardware, row.device)]
        attentions = [
            row for path in self.attention_files for row in read_attention_rows(path) if _is(hardware, row.device)
        ]
        return table_model(model, hardware, matmuls=matmuls, attentions=attentions, tensor_parallel=tensor_parallel)


def _only_profile(folder: Path, hardware: HardwareSpec, found: _Kernels) -> Path:
    prefixes = [path.with_name(path.name.removesuffix(DENSE)) for path in sorted(folder.glob(f"*{DENSE}"))]
    profiles = [where for where in (folder, *prefixes) if all(file.is_file() for file in layer_files(where).values())]
    if len(profiles) == 1:
        return profiles[0]
    if profiles:
        names = ", ".join(str(where) for where in profiles if where != folder)
        raise CostError(f"{str(folder)!r} has the layers of several devices or models; give one of: {names}")
    if found.devices:
        measured = ", ".join(found.devices)
        raise CostError(
            f"the kernel tables in {str(folder)!r} lack products or attention of {hardware.name!r}: {measured}"
        )
    raise CostError(f"{str(folder)!r} holds no kernel tables; docs/cost_models.md says which columns they have")


def _refuse_speed(speed: float) -> None:
    if speed != 1:
        raise CostError(f"an engine's speed ({speed:g}) is one over its layers', and these are tables of kernels")


def _is(hardware: HardwareSpec, name: str) -> bool:
    return _plain(name) in {_plain(known) for known in (hardware.name, *hardware.aliases)}


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def _columns(path: Path) -> frozenset[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return frozenset(next(csv.reader(file), ()))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)
