"""The few datasheet numbers that the kernel formulas take, as floats or as one array over many devices."""

from dataclasses import dataclass
from typing import Any

from pasta_toolkit.specs import HardwareSpec
from simulator.cost.errors import CostError

__all__ = ["Device", "Numbers"]

Numbers = Any  # a float, or a numpy array of floats; the formulas are written once for both

NEEDED = ("num_compute_units", "clock_hz", "last_level_cache_bytes")


@dataclass(frozen=True, slots=True)
class Device:
    """Hold the datasheet numbers of a device (floats) or of the device of each row of a table (arrays)."""

    flops_per_s: Numbers
    bandwidth_bytes_per_s: Numbers
    num_units: Numbers
    clock_hz: Numbers
    cache_bytes: Numbers

    @staticmethod
    def of(hardware: HardwareSpec) -> "Device":
        """Take the numbers from a spec.

        Raises:
            CostError: the spec lacks one of them; the roofline model needs fewer.
        """
        missing = [name for name in NEEDED if getattr(hardware, name) is None]
        if missing:
            raise CostError(
                f"{hardware.name!r} has no {missing[0]}, which the kernel formulas need;"
                " add it or take the roofline model"
            )
        return Device(
            flops_per_s=hardware.bf16_dense_flops_per_s,
            bandwidth_bytes_per_s=hardware.memory_bandwidth_bytes_per_s,
            num_units=float(hardware.num_compute_units or 0),
            clock_hz=hardware.clock_hz,
            cache_bytes=float(hardware.last_level_cache_bytes or 0),
        )
