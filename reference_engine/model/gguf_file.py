"""Reads a model from a GGUF file: metadata to its shape, tensors dequantised. Knows the format's names and its habits.

Two habits are undone: Llama's queries and keys are stored with interleaved pairs, and Gemma's norms with the one added.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from reference_engine.errors import ModelError
from reference_engine.model.config import ModelConfig, RopeScaling
from reference_engine.model.gguf_header import GgufFile, GgufTensor, open_gguf
from reference_engine.model.gguf_values import config_from_metadata
from reference_engine.model.layout import EMBEDDING, FINAL_NORM, OUTPUT, Shape, assemble_weights, layer_shapes
from reference_engine.model.rotary import inverse_frequencies
from reference_engine.model.weights import Model

__all__ = ["load_gguf", "read_gguf_config"]

BESIDE = {EMBEDDING: "token_embd.weight", FINAL_NORM: "output_norm.weight", OUTPUT: "output.weight"}
IN_LAYER = {
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
ROPE_FACTORS = "rope_freqs.weight"
LLAMA_3_TRAINED_POSITIONS = 8192  # Source: config.json of Llama 3.1 and 3.2, as are the factors 1 and 4
FACTOR_TOLERANCE = 1e-4  # of the stored factors, which are float32


def load_gguf(path: Path, *, dtype: torch.dtype, device: torch.device | str) -> Model:
    """Read the model of a GGUF file.

    Raises:
        ModelError: the package gguf is missing, the file is damaged, or the engine cannot run what it holds.
    """
    file = open_gguf(path)
    config = read_gguf_config(file)
    _check_names(file, config)

    def read(field: str, layer: int | None, shape: Shape) -> torch.Tensor:
        name = BESIDE[field] if layer is None else f"blk.{layer}.{IN_LAYER[field]}"
        return _straightened(config, field, _dequantised(file, name, shape)).to(device=device, dtype=dtype)

    return Model(name=path.stem, config=config, weights=assemble_weights(config, read))


def read_gguf_config(file: GgufFile) -> ModelConfig:
    """Return the shape of a GGUF file's model, without its weights.

    Raises:
        ModelError: the file is damaged, or the engine cannot run what it holds.
    """
    config = config_from_metadata(
        file.metadata,
        origin=str(file.path),
        vocabulary_size=_tensor(file, BESIDE[EMBEDDING]).shape[0],
        has_tied_embedding=BESIDE[OUTPUT] not in file.tensors,
        has_output_bias=f"blk.0.{IN_LAYER['output_bias']}" in file.tensors,
    )
    if ROPE_FACTORS not in file.tensors:
        return config
    factors = _dequantised(file, ROPE_FACTORS, (config.head_dim // 2,))
    return replace(config, rope_scaling=_llama_3_scaling(config, factors, origin=str(file.path)))


def _llama_3_scaling(config: ModelConfig, factors: torch.Tensor, *, origin: str) -> RopeScaling:
    """Return the scaling whose result is stored as one divisor a frequency."""
    scaling = RopeScaling("llama3", float(factors.max()), original_positions=LLAMA_3_TRAINED_POSITIONS)
    unscaled = inverse_frequencies(replace(config, rope_scaling=None))
    expected = unscaled / inverse_frequencies(replace(config, rope_scaling=scaling))
    if not torch.allclose(factors, expected, rtol=FACTOR_TOLERANCE, atol=0):
        raise ModelError(f"{origin!r} scales its rotation in a way that is not Llama 3's; the engine knows no other")
    return scaling


def _check_names(file: GgufFile, config: ModelConfig) -> None:
    """Refuse a layer with tensors that would be left out."""
    fields = layer_shapes(config)
    expected = {f"blk.{layer}.{IN_LAYER[field]}" for layer in range(config.num_layers) for field in fields}
    for name in file.tensors:
        if name.startswith("blk.") and name not in expected:
            raise ModelError(f"{str(file.path)!r} holds the tensor {name!r}, which its architecture does not know of")


def _tensor(file: GgufFile, name: str) -> GgufTensor:
    if name not in file.tensors:
        raise ModelError(f"{str(file.path)!r} lacks the tensor {name!r}, which its metadata calls for")
    return file.tensors[name]


def _dequantised(file: GgufFile, name: str, shape: Shape) -> torch.Tensor:
    """Return a tensor in float32, copied out of the file."""
    try:
        from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, dequantize  # noqa: PLC0415  # folders need no GGUF
    except ImportError as error:
        raise ModelError("GGUF files need the package gguf: pip install 'pasta-toolkit[engine]'") from error
    tensor, origin = _tensor(file, name), str(file.path)
    if tensor.shape != shape:
        raise ModelError(f"{origin!r}: {name!r} has the shape {tensor.shape}; its metadata calls for {shape}")
    try:
        kind = GGMLQuantizationType(tensor.kind)
        numbers, size = GGML_QUANT_SIZES[kind]
        with np.errstate(all="ignore"):  # what comes of a damaged scale is found below
            values = dequantize(file.rows(tensor, numbers_per_block=numbers, bytes_per_block=size), kind)
    except (ValueError, NotImplementedError, KeyError) as error:
        raise ModelError(f"{origin!r}: {name!r} is of a type that cannot be read ({tensor.kind}): {error}") from error
    if not np.isfinite(values).all():
        raise ModelError(f"{origin!r}: {name!r} holds numbers that are not finite; the file is damaged")
    return torch.from_numpy(np.array(values, dtype=np.float32))


def _straightened(config: ModelConfig, field: str, values: torch.Tensor) -> torch.Tensor:
    """Undo what the format does to a tensor."""
    if config.norm_adds_one and field.endswith("norm"):
        return values - 1
    num_heads = {"query": config.num_heads, "key": config.num_kv_heads}.get(field.removesuffix("_bias"))
    if config.architecture != "llama" or num_heads is None:
        return values
    pairs = values.view(num_heads, config.head_dim // 2, 2, -1)
    return pairs.transpose(1, 2).reshape(values.shape)
