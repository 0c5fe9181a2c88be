"""Writes a model as a GGUF file with the format's own package, as llama.cpp's converter does: its habits included."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFWriter, quantize

from reference_engine.model import Model

__all__ = ["write_gguf"]

NAMES = {
    "attention_norm": "attn_norm.weight",
    "query": "attn_q.weight",
    "key": "attn_k.weight",
    "value": "attn_v.weight",
    "output": "attn_output.weight",
    "query_bias": "attn_q.bias",
    "key_bias": "attn_k.bias",
    "value_bias": "attn_v.bias",
    "output_bias": "attn_output.bias",
    "query_norm": "attn_q_norm.weight",
    "key_norm": "attn_k_norm.weight",
    "mlp_norm": "ffn_norm.weight",
    "gate": "ffn_gate.weight",
    "up": "ffn_up.weight",
    "down": "ffn_down.weight",
    "post_attention_norm": "post_attention_norm.weight",
    "post_mlp_norm": "post_ffw_norm.weight",
}


def write_gguf(
    model: Model,
    path: Path,
    *,
    kind: GGMLQuantizationType = GGMLQuantizationType.F32,
    extra: dict[str, torch.Tensor] | None = None,
    raw: Mapping[str, tuple[np.ndarray, GGMLQuantizationType]] | None = None,
    add_metadata: Callable[[GGUFWriter], None] = lambda _writer: None,
) -> None:
    """Write a model; matrices of whole blocks are stored as `kind`, all else as float32, what is `raw` as it is."""
    config, weights = model.config, model.weights
    writer = GGUFWriter(path, config.architecture)
    writer.add_block_count(config.num_layers)
    writer.add_context_length(config.max_positions)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_heads)
    writer.add_head_count_kv(config.num_kv_heads)
    writer.add_key_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.norm_epsilon)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_eos_token_id(config.end_tokens[0])
    if config.rope_scaling is not None and config.rope_scaling.kind == "linear":
        writer.add_string(f"{config.architecture}.rope.scaling.type", "linear")
        writer.add_rope_scaling_factor(config.rope_scaling.factor)
    if config.sliding_window is not None:
        writer.add_sliding_window(config.sliding_window)
        writer.add_array(f"{config.architecture}.attention.sliding_window_pattern", list(config.layer_is_sliding))
    if config.attention_softcap is not None:
        writer.add_attn_logit_softcapping(config.attention_softcap)
    if config.logit_softcap is not None:
        writer.add_final_logit_softcapping(config.logit_softcap)
    add_metadata(writer)
    tensors = {"token_embd.weight": weights.embedding, "output_norm.weight": weights.final_norm}
    if not config.has_tied_embedding:
        tensors["output.weight"] = weights.output
    for index, layer in enumerate(weights.layers):
        stated = {field: getattr(layer, field) for field in NAMES if getattr(layer, field) is not None}
        tensors |= {f"blk.{index}.{NAMES[field]}": tensor for field, tensor in stated.items()}
    for name, tensor in {**tensors, **(extra or {})}.items():
        if raw is not None and name in raw:
            content, raw_kind = raw[name]
            writer.add_tensor(name, content, raw_dtype=raw_kind)
            continue
        _add(writer, name, _as_the_format_has_it(model, name, tensor).contiguous().numpy(), kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _as_the_format_has_it(model: Model, name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Interleave the pairs of Llama's queries and keys, add the one to Gemma's norms."""
    config = model.config
    if config.norm_adds_one and "norm" in name:
        return tensor + 1
    num_heads = {"attn_q": config.num_heads, "attn_k": config.num_kv_heads}.get(name.split(".")[-2])
    if config.architecture != "llama" or num_heads is None:
        return tensor
    halves = tensor.reshape(num_heads, 2, config.head_dim // 2, -1)
    return halves.swapaxes(1, 2).reshape(tensor.shape)


def _add(writer: GGUFWriter, name: str, values: np.ndarray, kind: GGMLQuantizationType) -> None:
    if kind == GGMLQuantizationType.F32 or values.ndim == 1:
        writer.add_tensor(name, values)
    else:
        writer.add_tensor(name, quantize(values, kind), raw_dtype=kind)
