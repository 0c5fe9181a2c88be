"""The time of one matrix product on a GPU, smooth in its parameters: tiles, waves, bytes, launches. Knows no model.

A product (rows, inner) @ (inner, outer) is cut into tiles; the tiles run in waves of one a compute unit; the inner size
may be split to fill a wave. A library picks the best cut, so the formula takes the smallest time over the cuts.
Source: NVIDIA, Matrix Multiplication Background User's Guide (tile and wave quantization); the rest is ours.
"""

from dataclasses import dataclass
from itertools import product

from simulator.cost.device import Device, Numbers
from simulator.cost.errors import CostError
from simulator.cost.parameters import KernelParameters

try:
    import numpy as np
except ModuleNotFoundError as error:
    raise CostError("the cost models need numpy: pip install 'pasta-toolkit[sim]'") from error

__all__ = ["matmul_seconds"]

BYTES = 2  # bf16
LARGEST_TILE_EDGE = 1 / 128 + 1 / 256  # the largest tile, the only one at the full rate


@dataclass(frozen=True, slots=True)
class _Cut:
    """One way to cut a product: tile sizes, and parts of the inner size; `num_halvings` is log2 of the parts."""

    tile_rows: int
    tile_outer: int
    num_parts: int
    num_halvings: int


TILES = ((64, 64), (64, 128), (128, 64), (128, 128), (128, 256), (256, 128))
CUTS = tuple(_Cut(rows, outer, 2**halvings, halvings) for (rows, outer), halvings in product(TILES, range(4)))
REFERENCE_TILE = 64


def matmul_seconds(
    parameters: KernelParameters, device: Device, *, rows: Numbers, outer: Numbers, inner: Numbers
) -> Numbers:
    """Return the seconds of (rows, inner) @ (inner, outer) in bf16.

    Each cut takes the p-norm of its memory and compute times, plus the latency of the loop over the inner size and of
    adding split parts; a launch comes on top. Law: rises with rows, outer and inner.
    """
    memory = BYTES * (outer * inner + rows * inner + rows * outer)
    memory = memory / (parameters.matmul_bandwidth_fraction * device.bandwidth_bytes_per_s)
    times = [_cut_seconds(parameters, device, cut, memory=memory, rows=rows, outer=outer, inner=inner) for cut in CUTS]
    is_single = np.asarray(rows) <= 1
    launch = parameters.matmul_launch_cycles * np.where(is_single, parameters.matmul_single_row_fraction, 1.0)
    return np.minimum.reduce(times) + launch / device.clock_hz


def _cut_seconds(
    parameters: KernelParameters,
    device: Device,
    cut: _Cut,
    *,
    memory: Numbers,
    rows: Numbers,
    outer: Numbers,
    inner: Numbers,
) -> Numbers:
    tiles = np.ceil(rows / cut.tile_rows) * np.ceil(outer / cut.tile_outer) * cut.num_parts
    waves = np.ceil(tiles / device.num_units)
    edge = 1 / cut.tile_rows + 1 / cut.tile_outer - LARGEST_TILE_EDGE
    fraction = parameters.matmul_flops_fraction / (1 + parameters.matmul_small_tile_penalty * REFERENCE_TILE * edge)
    tile_flops = 2 * cut.tile_rows * cut.tile_outer * inner / cut.num_parts
    compute = waves * tile_flops / (fraction * device.flops_per_s / device.num_units)
    norm = parameters.matmul_overlap_norm
    overlapped = (memory**norm + compute**norm) ** (1 / norm)
    latency = parameters.matmul_inner_cycles * inner / cut.num_parts + parameters.matmul_split_cycles * cut.num_halvings
    return overlapped + latency / device.clock_hz
