"""What a profile says of a device besides the times of steps: how fast it reads and multiplies, which software ran.

Coarse figures of one second each: the profile's own parameters predict, these fill the fields that every device has.
"""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import torch

__all__ = ["MeasuredDevice", "measure_device", "pin_threads"]

STREAMED_BYTES = 256 * 2**20  # far more than a cache of the last level holds
MATRIX_SIZE = 1536
NUM_CALLS = 5
FLOPS_PER_MULTIPLY_ADD = 2


@dataclass(frozen=True, slots=True)
class MeasuredDevice:
    """A device as it was found."""

    name: str
    kind: str
    num_compute_units: int
    bandwidth_bytes_per_s: float
    flops_per_s: float
    memory_bytes: int
    versions: str


def pin_threads(num_threads: int | None = None) -> int:
    """Set PyTorch's threads, and keep the process on as many processors; return how many they are.

    Without a number it is what PyTorch has chosen. Call it before anything runs in parallel: threads that exist already
    stay where they are.
    """
    if num_threads is not None:
        torch.set_num_threads(num_threads)
    chosen = int(torch.get_num_threads())
    if hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        if len(usable) > chosen:
            os.sched_setaffinity(0, usable[:chosen])
    return chosen


def measure_device(device: torch.device, *, dtype: torch.dtype) -> MeasuredDevice:
    """Measure what a sum reads and a square product computes, best of five."""
    source = torch.zeros(STREAMED_BYTES // 4, dtype=torch.float32, device=device)
    matrix = torch.zeros(MATRIX_SIZE, MATRIX_SIZE, dtype=dtype, device=device)
    read_s = _best_seconds(source.sum, device)
    product_s = _best_seconds(lambda: matrix @ matrix, device)
    is_cuda = device.type == "cuda"
    return MeasuredDevice(
        name=torch.cuda.get_device_name(device) if is_cuda else platform.processor() or platform.machine(),
        kind="gpu" if is_cuda else "cpu",
        num_compute_units=(
            torch.cuda.get_device_properties(device).multi_processor_count if is_cuda else torch.get_num_threads()
        ),
        bandwidth_bytes_per_s=STREAMED_BYTES / read_s,
        flops_per_s=FLOPS_PER_MULTIPLY_ADD * MATRIX_SIZE**3 / product_s,
        memory_bytes=torch.cuda.get_device_properties(device).total_memory if is_cuda else _memory_bytes(),
        versions=", ".join(
            (
                f"pasta-toolkit {version('pasta-toolkit')}",
                f"torch {torch.__version__}",
                f"Python {platform.python_version()}",
            )
        ),
    )


def _best_seconds(call: Callable[[], object], device: torch.device) -> float:
    times = []
    for _ in range(NUM_CALLS + 1):
        begin_s = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - begin_s)
    return min(times[1:])


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
