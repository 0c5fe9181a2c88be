"""Turns the layers of a serving profile into rows of kernels, to fit a device on. Knows no fitting."""

from pasta_toolkit.specs import ModelSpec
from simulator.cost.measurements import AttentionRow, MatmulRow
from simulator.cost.serving_profile import ServingProfile

__all__ = ["SERVING_FILES", "SERVING_MODEL", "serving_attention_rows", "serving_matmul_rows"]

# The profiles at hand: of which device, and the common start of their files' names.
SERVING_FILES = {
    "rtx-4090": "vllm019_rtx4090_llama31_8b_kernels",
    "rtx-pro-6000": "vllm019_rtxpro6000_llama31_8b_kernels",
}
SERVING_MODEL = "llama-3.1-8b"

LAYER_OF_MATRIX = {
    "query_key_value": "qkv_proj",
    "attention_output": "o_proj",
    "feed_forward_input": "gate_up_proj",
    "feed_forward_output": "down_proj",
}
OUTPUT_HEAD = "lm_head"


def serving_matmul_rows(profile: ServingProfile, model: ModelSpec, *, device: str) -> tuple[MatmulRow, ...]:
    """Return the profile's products with the shapes of the profiled model."""
    *layers, head = model.matrices()
    curves = [(matrix, profile.dense[LAYER_OF_MATRIX[matrix.name]]) for matrix in layers]
    curves.append((head, profile.per_sequence[OUTPUT_HEAD]))
    return tuple(
        MatmulRow(device, int(rows), matrix.outer_size, matrix.inner_size, seconds)
        for matrix, curve in curves
        for rows, seconds in zip(curve.coordinates, curve.values, strict=True)
    )


def serving_attention_rows(profile: ServingProfile, model: ModelSpec, *, device: str) -> tuple[AttentionRow, ...]:
    """Return the profile's pure decode attention."""
    heads = (model.num_query_heads, model.num_kv_heads, model.head_size)
    return tuple(
        AttentionRow(device, *heads, num_lanes, int(context), seconds)
        for num_lanes, curve in profile.attention.planes[0][0].items()
        if num_lanes
        for context, seconds in zip(curve.coordinates, curve.values, strict=True)
    )
