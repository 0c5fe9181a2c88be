"""The step on CUDA: the readable step's work in few, large operators, small steps replayed as CUDA graphs.

Without a GPU the same class runs in Triton's interpreter, without graphs; that is for tests. Knows no threads.
"""

from dataclasses import dataclass

import torch
from torch.nn.functional import gelu, linear, rms_norm, silu

from reference_engine.errors import EngineError
from reference_engine.model.config import ModelConfig
from reference_engine.model.rotary import inverse_frequencies
from reference_engine.model.weights import Model
from reference_engine.pool.storage import KvStorage
from reference_engine.step.attention_plan import AttentionPlan
from reference_engine.step.batch import StepBatch
from reference_engine.step.cuda_weights import CudaLayer, CudaWeights
from reference_engine.step.graph_step import GraphStep
from reference_engine.step.pool_attention import attend_pool, is_interpreted
from reference_engine.step.pool_writing import write_pool

__all__ = ["CudaStep"]

PROGRAMS_PER_PROCESSOR = 2  # ours: one program waits for memory while the other computes
INTERPRETED_PROGRAMS = 16  # as if the interpreter had so many places, so that tests split what they attend to


@dataclass(frozen=True, slots=True)
class _View:
    """What all layers of a kind, sliding or not, have in common in one step."""

    plan: AttentionPlan
    cosine: torch.Tensor  # (rows, head_dim / 2) float32
    sine: torch.Tensor  # (rows, head_dim / 2) float32


class CudaStep:
    """A callable `(storage, batch) -> logits`, the same as `readable_step` for one model, within rounding.

    Weights are joined once. State: the graphs of the sizes that have come so far, where the model lies on CUDA.
    """

    def __init__(self, model: Model) -> None:
        """Prepare the weights.

        Raises:
            EngineError: the model lies on no CUDA device, and Triton's interpreter is not on.
        """
        is_on_cuda = model.device.type == "cuda"
        if not is_on_cuda and not is_interpreted():
            raise EngineError(f"the CUDA step needs a model on a CUDA device, found one on {str(model.device)!r}")
        self._config, self._dtype = model.config, model.dtype
        self._weights = CudaWeights.of(model)
        self._embedding_scale = float(torch.tensor(model.config.embedding_scale, dtype=model.dtype))
        self._frequencies = {
            is_sliding: inverse_frequencies(model.config, is_sliding=is_sliding).to(model.device)
            for is_sliding in _layer_kinds(model.config)
        }
        self._target_programs = INTERPRETED_PROGRAMS
        if is_on_cuda:
            num_processors = torch.cuda.get_device_properties(model.device).multi_processor_count
            self._target_programs = PROGRAMS_PER_PROCESSOR * num_processors
        self._graphs = GraphStep(self.run_eagerly) if is_on_cuda else None

    @torch.no_grad()
    def __call__(self, storage: KvStorage, batch: StepBatch) -> torch.Tensor:
        """Feed a step's tokens: write keys and values into the pool, return logits (outputs, vocabulary) in float32.

        Raises:
            EngineError: the pool's numbers are of another type than the model's.
        """
        if storage.entries.dtype is not self._dtype:
            found, wanted = storage.entries.dtype, self._dtype
            raise EngineError(
                f"a KV pool of {found} does not fit a model of {wanted}; allocate it with the model's type"
            )
        # Triton and graphs use the current device, whatever it is.
        with torch.cuda.device_of(storage.entries):  # type: ignore[no-untyped-call]
            if self._graphs is not None and self._graphs.takes(batch):
                return self._graphs.run(storage, batch)
            return self.run_eagerly(storage, batch)

    @torch.no_grad()
    def run_eagerly(self, storage: KvStorage, batch: StepBatch) -> torch.Tensor:
        """Do the same without graphs; launches kernels and never waits for the device."""
        config, weights = self._config, self._weights
        views = {is_sliding: self._view(batch, is_sliding=is_sliding) for is_sliding in _layer_kinds(config)}
        hidden = weights.embedding[batch.tokens] * self._embedding_scale  # (rows, hidden)
        for index, layer in enumerate(weights.layers):
            view = views[config.is_sliding(index)]
            hidden = hidden + self._attend(layer, view, storage.entries[index], batch.slots, hidden)
            hidden = hidden + self._transform(layer, hidden)
        hidden = self._norm(hidden[batch.outputs], weights.final_norm)
        logits = linear(hidden, weights.output)
        cap = config.logit_softcap
        return (logits if cap is None else cap * torch.tanh(logits / cap)).float()

    def _view(self, batch: StepBatch, *, is_sliding: bool) -> _View:
        """Return what a kind of layer sees, and how it rotates."""
        config, visible = self._config, batch.visible
        if is_sliding:
            distances = batch.positions[:, None] - batch.slot_positions[None, :]
            visible = visible & (distances < (config.sliding_window or 0))
        plan = AttentionPlan.of(
            visible,
            num_kv_heads=config.num_kv_heads,
            queries_per_kv_head=config.queries_per_kv_head,
            dtype=self._dtype,
            target_programs=self._target_programs,
        )
        angles = batch.positions[:, None].float() * self._frequencies[is_sliding]
        return _View(plan, angles.cos(), angles.sin())

    def _attend(
        self, layer: CudaLayer, view: _View, entries: torch.Tensor, slots: torch.Tensor, hidden: torch.Tensor
    ) -> torch.Tensor:
        config = self._config
        projected = linear(self._norm(hidden, layer.attention_norm), layer.project, layer.project_bias)
        query = write_pool(projected, entries, slots, cosine=view.cosine, sine=view.sine, norms=layer.head_norms)
        attended = attend_pool(
            query, entries, view.plan, scale=config.query_scale, softcap=config.attention_softcap
        ).flatten(1)
        return self._norm(linear(attended, layer.output, layer.output_bias), layer.post_attention_norm)

    def _transform(self, layer: CudaLayer, hidden: torch.Tensor) -> torch.Tensor:
        gate, up = linear(self._norm(hidden, layer.mlp_norm), layer.gate_up).chunk(2, dim=-1)
        gate = silu(gate) if self._config.activation == "silu" else gelu(gate, approximate="tanh")
        return self._norm(linear(gate * up, layer.down), layer.post_mlp_norm)

    def _norm(self, values: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
        """Normalise in the weight's type: the values' own, or float32 where the norm adds one."""
        if weight is None:
            return values
        return rms_norm(values.to(weight.dtype), weight.shape, weight, self._config.norm_epsilon).to(values.dtype)


def _layer_kinds(config: ModelConfig) -> tuple[bool, ...]:
    return tuple(sorted({config.is_sliding(index) for index in range(config.num_layers)}))
