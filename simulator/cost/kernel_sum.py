"""Assembles a model's step from kernels: products, attention, small ones, all-reduces. Knows no kernel's time."""

from dataclasses import dataclass, field
from typing import Protocol

from pasta_toolkit.specs import HardwareSpec, ModelSpec, place
from simulator.cost.attention_work import LayerContexts, layer_contexts
from simulator.cost.block_schedule import BlockSchedule
from simulator.cost.collective import all_reduce_seconds
from simulator.cost.heads import Heads
from simulator.cost.interval import interval_factors
from simulator.cost.step_cost import StepCost, Term
from simulator.cost.step_shape import PrefillShape, StepShape

__all__ = ["KernelSumModel", "Kernels", "reached_bandwidth"]

MANY_LANES = 128
LONG = 4096  # tokens; both only have to be large enough for the bandwidth to be what counts


class Kernels(Protocol):
    """Says how long the kernels of one device take."""

    def host_seconds(self, num_layers: int, kernel_seconds: float) -> float:
        """Return what the host adds to a step whose kernels take so long."""

    def matmul_seconds(self, *, rows: int, outer: int, inner: int) -> float:
        """Return the seconds of (rows, inner) @ (inner, outer)."""

    def attention_seconds(self, heads: Heads, *, num_lanes: int, context: float) -> float:
        """Return the seconds of one layer's decode attention over lanes of equal context."""

    def prefill_attention_seconds(self, heads: Heads, prefills: tuple[PrefillShape, ...]) -> float:
        """Return the seconds of one layer's attention over chunks of prompts."""

    def elementwise_seconds(self, model: ModelSpec, num_tokens: int, *, tensor_parallel: int) -> float:
        """Return the seconds of all norms, residual sums, activations and of the embedding."""


@dataclass(frozen=True, slots=True)
class KernelSumModel:
    """Predict a step as the sum of its kernels.

    Terms: `matmul`, `output_head`, `elementwise`, `all_reduce` (these follow from counts of tokens), `attention` (lanes
    at their mean context), `unequal_contexts` (what the spread of contexts adds), `prefill_attention`, `host`.

    Raises:
        SpecError: the model does not fit the devices.
        CostError: the devices have no interconnect, but the degree is above 1.
    """

    name: str
    model: ModelSpec
    hardware: HardwareSpec
    kernels: Kernels
    tensor_parallel: int = 1
    log_residuals: tuple[float, ...] = ()
    _heads: Heads = field(init=False, repr=False)
    _interval: tuple[float, float] = field(init=False, repr=False)
    # These depend on one or two small counts alone, and a simulation asks for the same ones a million times.
    _counted: dict[tuple[int, int], tuple[Term, ...]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    _schedule: BlockSchedule | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what does not fit; look up what every step needs."""
        place(self.model, self.hardware, tensor_parallel=self.tensor_parallel)
        heads = Heads.of(self.model, self.tensor_parallel)
        object.__setattr__(self, "_heads", heads)
        reached = reached_bandwidth(self.kernels, heads)
        object.__setattr__(self, "_schedule", BlockSchedule.of(self.hardware, heads, bandwidth_bytes_per_s=reached))
        object.__setattr__(self, "_interval", interval_factors(sorted(self.log_residuals)))

    def step_time(self, shape: StepShape) -> StepCost:
        """Return the cost of one step."""
        key = (shape.num_tokens, shape.num_outputs)
        if key not in self._counted:
            self._counted[key] = self._counted_terms(*key)
        attention, unequal = self._decode_attention(shape)
        prefill = self.kernels.prefill_attention_seconds(self._heads, shape.prefills) if shape.prefills else 0.0
        terms = (
            *self._counted[key],
            Term("attention", attention),
            Term("unequal_contexts", unequal),
            Term("prefill_attention", self.model.num_layers * prefill),
        )
        host = self.kernels.host_seconds(self.model.num_layers, sum(term.seconds for term in terms))
        return StepCost((*terms, Term("host", host)), *self._interval)

    def _counted_terms(self, num_tokens: int, num_outputs: int) -> tuple[Term, ...]:
        *layers, head = self.model.matrices(self.tensor_parallel)
        matmul = sum(
            matrix.count
            * self.kernels.matmul_seconds(rows=num_tokens, outer=matrix.outer_size, inner=matrix.inner_size)
            for matrix in layers
        )
        output_head = self.kernels.matmul_seconds(rows=num_outputs, outer=head.outer_size, inner=head.inner_size)
        elementwise = self.kernels.elementwise_seconds(self.model, num_tokens, tensor_parallel=self.tensor_parallel)
        all_reduce = all_reduce_seconds(
            self.model, self.hardware, tensor_parallel=self.tensor_parallel, num_tokens=num_tokens
        )
        return (
            Term("matmul", matmul),
            Term("output_head", output_head),
            Term("elementwise", elementwise),
            Term("all_reduce", all_reduce),
        )

    def _decode_attention(self, shape: StepShape) -> tuple[float, float]:
        """Return the seconds for equal contexts of the same sum, and what their differences add."""
        if not shape.decode_contexts:
            return 0.0, 0.0
        attention, unequal = 0.0, 0.0
        for layers in layer_contexts(self.model, shape):
            equal, extra = self._layer_attention(layers)
            attention += layers.num_layers * equal
            unequal += layers.num_layers * extra
        return attention, unequal

    def _layer_attention(self, layers: LayerContexts) -> tuple[float, float]:
        """Return one layer's seconds at the mean context, and what the spread of contexts adds.

        Chunks of prompts have kernels of their own here, so what stands beside the lanes does not matter.
        """
        contexts = layers.contexts
        equal = self.kernels.attention_seconds(
            self._heads, num_lanes=len(contexts), context=sum(contexts) / len(contexts)
        )
        return equal, self._schedule.extra_seconds(contexts) if self._schedule else 0.0


def reached_bandwidth(kernels: Kernels, heads: Heads) -> float | None:
    """Return the bytes a second that many long lanes read together; None if longer ones take no longer."""
    short, long = (
        kernels.attention_seconds(heads, num_lanes=MANY_LANES, context=context) for context in (LONG, 2 * LONG)
    )
    return MANY_LANES * LONG * heads.token_bytes / (long - short) if long > short else None
