"""Counts what attention reads and computes in a step, per layer kind. Knows no device and no time."""

from dataclasses import dataclass

from pasta_toolkit.specs import ModelSpec
from simulator.cost.step_shape import PrefillShape, StepShape

__all__ = ["LayerContexts", "layer_contexts", "prefill_pairs"]


@dataclass(frozen=True, slots=True)
class LayerContexts:
    """The decode contexts that `num_layers` equal layers see."""

    num_layers: int
    contexts: tuple[int, ...]


def layer_contexts(model: ModelSpec, shape: StepShape) -> tuple[LayerContexts, ...]:
    """Return what the layers with full attention see, then what those with a sliding window see."""
    contexts = shape.decode_contexts
    if not model.num_sliding_window_layers:
        return (LayerContexts(model.num_layers, contexts),)
    window = model.sliding_window_tokens or 0
    clipped = tuple(min(context, window) for context in contexts)
    full = LayerContexts(model.num_layers - model.num_sliding_window_layers, contexts)
    return (full, LayerContexts(model.num_sliding_window_layers, clipped))


def prefill_pairs(prefill: PrefillShape) -> float:
    """Return the (query, key) pairs of a chunk in one layer with full attention: causal inside, full before.

    >>> prefill_pairs(PrefillShape(chunk_tokens=2, context_tokens=10))
    23.0
    """
    return prefill.chunk_tokens * (prefill.context_tokens + (prefill.chunk_tokens + 1) / 2)
