"""The roofline: datasheet values, each byte moved once, each operation at the peak. Knows nothing that was measured."""

from dataclasses import dataclass

from pasta_toolkit.specs import HardwareSpec, ModelSpec, place
from simulator.cost.attention_work import prefill_pairs
from simulator.cost.collective import all_reduce_seconds
from simulator.cost.step_cost import StepCost, Term
from simulator.cost.step_shape import StepShape

__all__ = ["LAUNCHES_PER_LAYER", "LAUNCH_SECONDS", "RooflineModel"]

# Source: ai-dynamo/aiconfigurator systems/*.yaml, mem_empirical_constant_latency: 3 us for each memory-bound kernel,
# of which it counts three a layer (two norms with their residual sums, one activation) and one embedding.
LAUNCH_SECONDS = 3e-6
LAUNCHES_PER_LAYER = 3


@dataclass(frozen=True, slots=True)
class RooflineModel:
    """Predict max(bytes / bandwidth, operations / peak) + launches + all-reduces.

    Terms: `weights` and `kv_cache` (their bytes over the bandwidth), `compute` (what the operations take beyond those),
    `launch`, `all_reduce`. With fractions below 1 the device reaches only a part of its datasheet.
    Source: Williams, Waterman and Patterson, Roofline (CACM 2009).

    Raises:
        SpecError: the model does not fit the devices.
    """

    model: ModelSpec
    hardware: HardwareSpec
    tensor_parallel: int = 1
    bandwidth_fraction: float = 1.0
    flops_fraction: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a model that does not fit."""
        place(self.model, self.hardware, tensor_parallel=self.tensor_parallel)

    @property
    def name(self) -> str:
        """What reports call this model."""
        return "roofline"

    def step_time(self, shape: StepShape) -> StepCost:
        """Return the cost of one step."""
        bandwidth = self.bandwidth_fraction * self.hardware.memory_bandwidth_bytes_per_s
        weights = self.model.weight_bytes_per_step(shape.num_tokens, tensor_parallel=self.tensor_parallel) / bandwidth
        kv_cache = self._kv_bytes(shape) / bandwidth
        compute = self._flops(shape) / (self.flops_fraction * self.hardware.bf16_dense_flops_per_s)
        launches = LAUNCHES_PER_LAYER * self.model.num_layers + 1
        all_reduce = all_reduce_seconds(
            self.model, self.hardware, tensor_parallel=self.tensor_parallel, num_tokens=shape.num_tokens
        )
        return StepCost(
            (
                Term("weights", weights),
                Term("kv_cache", kv_cache),
                Term("compute", max(0.0, compute - weights - kv_cache)),
                Term("launch", LAUNCH_SECONDS * launches),
                Term("all_reduce", all_reduce),
            )
        )

    def _kv_bytes(self, shape: StepShape) -> float:
        """Return the KV bytes that one device reads: each lane its context, each chunk what is before it and itself."""
        lanes = sum(map(self.model.attended_tokens, shape.decode_contexts))
        chunks = sum(self.model.attended_tokens(chunk.context_tokens + chunk.chunk_tokens) for chunk in shape.prefills)
        per_layer = self.model.kv_bytes_per_token(self.tensor_parallel) / self.model.num_layers
        return (lanes + chunks) * per_layer

    def _flops(self, shape: StepShape) -> float:
        """Return the operations of one device; windows do not shorten the causal part of a chunk here."""
        *layers, head = self.model.matrices(self.tensor_parallel)
        products = 2 * shape.num_tokens * sum(matrix.num_weights for matrix in layers)
        outputs = 2 * shape.num_outputs * head.num_weights
        pairs = sum(map(self.model.attended_tokens, shape.decode_contexts))
        pairs += self.model.num_layers * sum(map(prefill_pairs, shape.prefills))
        query_size = self.model.num_query_heads * self.model.head_size / self.tensor_parallel
        return products + outputs + 4 * query_size * pairs
