"""Tiny models of every family, as the engine has them and as transformers has them, with the same random weights.

They are small, and yet all that a family does is switched on: shared heads of keys and values, windows that cut, caps
that bend, scaled rotations, biases.
"""

import logging
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging as hf_logging

from reference_engine.model.config import ModelConfig, RopeScaling
from reference_engine.model.folder import save_folder
from reference_engine.model.random_weights import random_model
from reference_engine.model.weights import Model

__all__ = ["FAMILIES", "hf_model", "our_model", "read_hf_model", "tiny_config", "twins"]

torch.set_num_threads(1)
hf_logging.set_verbosity(logging.ERROR)
hf_logging.disable_progress_bar()

SEED = 20_240_917
VOCABULARY = 97
COMMON: dict[str, Any] = {
    "num_layers": 3,
    "hidden_size": 48,
    "num_heads": 6,
    "num_kv_heads": 2,
    "head_dim": 16,
    "intermediate_size": 80,
    "vocabulary_size": VOCABULARY,
    "max_positions": 4096,
    "norm_epsilon": 1e-5,
    "rope_theta": 10_000.0,
    "end_tokens": (2,),
}
GEMMA: dict[str, Any] = {"activation": "gelu_tanh", "norm_adds_one": True, "embedding_scale": 48**0.5}
SLIDING = (True, True, False)
LLAMA_3 = RopeScaling("llama3", 8.0, original_positions=64)

CONFIGS = {
    "llama": ModelConfig(architecture="llama", **COMMON),
    "llama3": ModelConfig(architecture="llama", **COMMON | {"rope_scaling": LLAMA_3, "has_tied_embedding": False}),
    "llama_biased": ModelConfig(architecture="llama", **COMMON, has_attention_bias=True, has_output_bias=True),
    "mistral": ModelConfig(
        architecture="mistral", **COMMON, has_tied_embedding=False, sliding_window=12, layer_is_sliding=(True,) * 3
    ),
    "qwen2": ModelConfig(
        architecture="qwen2", **COMMON, has_attention_bias=True, sliding_window=9, layer_is_sliding=(False, True, True)
    ),
    "qwen3": ModelConfig(architecture="qwen3", **COMMON, has_query_key_norm=True, has_tied_embedding=False),
    "gemma": ModelConfig(architecture="gemma", **COMMON | GEMMA),
    "gemma2": ModelConfig(
        architecture="gemma2",
        **COMMON | GEMMA,
        has_post_norms=True,
        attention_scale=20**-0.5,
        attention_softcap=2.0,
        logit_softcap=1.5,
        sliding_window=10,
        layer_is_sliding=(True, False, True),
    ),
    "gemma3": ModelConfig(
        architecture="gemma3",
        **COMMON | GEMMA | {"rope_theta": 1_000_000.0, "rope_scaling": RopeScaling("linear", 8.0)},
        sliding_rope_theta=10_000.0,
        has_post_norms=True,
        has_query_key_norm=True,
        attention_scale=24**-0.5,
        sliding_window=11,
        layer_is_sliding=SLIDING,
    ),
}
FAMILIES = tuple(CONFIGS)


def tiny_config(family: str, **changes: Any) -> ModelConfig:
    """Return the tiny shape of a family, with changes."""
    return replace(CONFIGS[family], **changes)


@cache
def our_model(config: ModelConfig) -> Model:
    """Return the engine's model of a shape, with random weights that are always the same."""
    return random_model(config, generator=torch.Generator().manual_seed(SEED))


@cache
def hf_model(config: ModelConfig) -> PreTrainedModel:
    """Return transformers' model of a shape with the weights of `our_model`, in float32 with eager attention."""
    with tempfile.TemporaryDirectory() as folder:
        save_folder(our_model(config), Path(folder))
        return read_hf_model(folder)


def read_hf_model(folder: Path | str) -> PreTrainedModel:
    """Load a folder with transformers; a tensor that it misses, or does not know, fails."""
    model, report = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not any(report.values()), report
    return model.eval()


def twins(family: str, **changes: Any) -> tuple[Model, PreTrainedModel]:
    """Return both models of a family's tiny shape."""
    config = tiny_config(family, **changes)
    return our_model(config), hf_model(config)
