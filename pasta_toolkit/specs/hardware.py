"""What is known of an accelerator: datasheet values with their sources. Knows no model and no formula of time."""

from dataclasses import dataclass

from pasta_toolkit.specs.calibration import Calibration
from pasta_toolkit.specs.errors import SpecError

__all__ = ["HardwareSpec"]

KINDS = ("cpu", "gpu", "tpu")
REQUIRED_POSITIVE = ("bf16_dense_flops_per_s", "memory_bandwidth_bytes_per_s", "memory_capacity_bytes")
OPTIONAL_POSITIVE = (
    "num_compute_units",
    "clock_hz",
    "last_level_cache_bytes",
    "shared_memory_bytes_per_unit",
    "interconnect_bandwidth_bytes_per_s",
    "all_reduce_latency_s",
)


@dataclass(frozen=True, slots=True)
class HardwareSpec:
    """Describe one device by its datasheet.

    FLOP rates are dense (no sparsity). `num_compute_units` are streaming multiprocessors (NVIDIA), compute units (AMD)
    or cores. `last_level_cache_bytes` is what all of them share, `shared_memory_bytes_per_unit` what the thread blocks
    on one of them share (how many fit at once follows from it). `interconnect_bandwidth_bytes_per_s` is one way, to
    the other devices of a node, `all_reduce_latency_s` what an all-reduce among them takes however small it is.
    `has_asynchronous_matrix_units` says whether matrix instructions and bulk copies run asynchronously (wgmma, tcgen05:
    Hopper and data-centre Blackwell); kernels for such devices overlap better.
    `unverified` names fields without a source.
    """

    name: str
    kind: str
    architecture: str
    bf16_dense_flops_per_s: float
    memory_bandwidth_bytes_per_s: float
    memory_capacity_bytes: int
    source: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    num_compute_units: int | None = None
    clock_hz: float | None = None
    last_level_cache_bytes: int | None = None
    shared_memory_bytes_per_unit: int | None = None
    has_asynchronous_matrix_units: bool = False
    interconnect_bandwidth_bytes_per_s: float | None = None
    all_reduce_latency_s: float | None = None
    unverified: tuple[str, ...] = ()
    note: str = ""
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        """Refuse values that no device can have."""
        if self.kind not in KINDS:
            raise SpecError(f"{self.name!r}: kind is {self.kind!r}; it must be one of {', '.join(KINDS)}")
        for key in REQUIRED_POSITIVE + OPTIONAL_POSITIVE:
            value = getattr(self, key)
            if value is not None and not 0 < value < float("inf"):
                raise SpecError(f"{self.name!r}: {key} is {value}; it must be a positive number")
        if not self.source:
            raise SpecError(f"{self.name!r}: source is empty; say where the values come from")

    @property
    def ridge_flops_per_byte(self) -> float:
        """Return the arithmetic intensity at which compute and memory take equally long.

        Source: Williams, Waterman and Patterson, Roofline (CACM 2009).
        """
        return self.bf16_dense_flops_per_s / self.memory_bandwidth_bytes_per_s
