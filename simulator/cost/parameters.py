"""The parameters of the smooth kernel formulas, and the shipped generic values. Knows no formula and no fitting."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.resources import files

from pasta_toolkit.specs import Calibration, HardwareSpec, did_you_mean, parse_spec
from simulator.cost.errors import CostError

__all__ = ["NUM_DEFAULTS", "GenericProfiles", "KernelParameters", "generic_profiles"]

NUM_DEFAULTS = 5  # the last fields, which no table here says anything about


@dataclass(frozen=True, slots=True)
class KernelParameters:
    """What the formulas of `matmul.py`, `attention.py`, `elementwise.py` and `smooth_kernels.py` take.

    Fractions are of the datasheet's bandwidth or peak. Cycles are of the boost clock, so that launch latencies scale
    from device to device. A norm is the p of a p-norm: large is perfect overlap of two resources, 1 none. A host that
    launches kernels one by one needs `host_seconds_per_layer` while the device works; what it does between steps,
    `host_seconds_per_step`, comes on top.
    """

    matmul_bandwidth_fraction: float
    matmul_flops_fraction: float
    matmul_launch_cycles: float
    matmul_inner_cycles: float
    matmul_split_cycles: float
    matmul_small_tile_penalty: float
    matmul_overlap_norm: float
    matmul_single_row_fraction: float
    attention_launch_cycles: float
    attention_lane_cycles: float
    attention_split_cycles: float
    attention_bandwidth_fraction: float
    attention_cache_bandwidth_fraction: float
    attention_miss_cycles: float
    attention_overlap_norm: float
    attention_single_lane_fraction: float
    elementwise_seconds: float = 3e-6  # Source: ai-dynamo/aiconfigurator systems/*.yaml, mem_empirical_constant_latency
    elementwise_bandwidth_fraction: float = 0.8  # Source: as above, mem_bw_empirical_scaling_factor
    prefill_flops_fraction: float = 0.5  # Source: FlashAttention-2 (Dao, 2023), figure 5: 50-73 % of the peak, forward
    host_seconds_per_step: float = 0.0
    host_seconds_per_layer: float = 0.0

    def __post_init__(self) -> None:
        """Refuse parameters that would make a time negative or undefined."""
        for name, value in asdict(self).items():
            if not 0 <= value < float("inf"):
                raise CostError(f"the cost parameter {name} is {value}; it must be a number of at least 0")

    @staticmethod
    def of(values: Mapping[str, float]) -> "KernelParameters":
        """Build them from a profile's table.

        Raises:
            CostError: a name is unknown, or one without a default is missing.
        """
        known = [field.name for field in fields(KernelParameters)]
        unknown = [name for name in values if name not in known]
        if unknown:
            raise CostError(f"unknown cost parameter {unknown[0]!r}{did_you_mean(unknown[0], known)}")
        missing = [name for name in known[:-NUM_DEFAULTS] if name not in values]
        if missing:
            raise CostError(f"the cost parameter {missing[0]!r} is missing")
        return KernelParameters(**values)


@dataclass(frozen=True, slots=True)
class GenericProfiles:
    """The shipped parameters, for devices whose matrix units work asynchronously and for those whose do not."""

    asynchronous: Calibration
    synchronous: Calibration

    def of(self, hardware: HardwareSpec) -> Calibration:
        """Return the profile for a device that has none of its own."""
        return self.asynchronous if hardware.has_asynchronous_matrix_units else self.synchronous


@cache
def generic_profiles() -> GenericProfiles:
    """Return the parameters fitted on all devices of the kernel tables (see `docs/cost_models.md`)."""
    folder = files("simulator.cost").joinpath("profiles")
    read = {
        name: parse_spec(folder.joinpath(f"{name}.toml").read_text(encoding="utf-8"), Calibration, where=f"{name}.toml")
        for name in ("asynchronous", "synchronous")
    }
    return GenericProfiles(read["asynchronous"], read["synchronous"])
