"""config.json: published files of each family are understood, and what the engine would run wrongly is refused."""

import json

import pytest

from reference_engine.errors import ModelError
from reference_engine.model.config import ModelConfig, RopeScaling
from reference_engine.model.config_file import config_from_json, read_config
from reference_engine.model.config_output import config_to_json
from tests.support.engine_models import FAMILIES, tiny_config

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "num_hidden_layers": 16,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "rms_norm_eps": 1e-05,
    "tie_word_embeddings": True,
    "eos_token_id": [128001, 128008, 128009],
    "rope_theta": 500000.0,
    "rope_scaling": {
        "factor": 32.0,
        "high_freq_factor": 4.0,
        "low_freq_factor": 1.0,
        "original_max_position_embeddings": 8192,
        "rope_type": "llama3",
    },
    "attention_bias": False,
    "hidden_act": "silu",
    "mlp_bias": False,
    "head_dim": 64,
}
MISTRAL = {
    "model_type": "mistral",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "num_hidden_layers": 32,
    "vocab_size": 32000,
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-05,
    "rope_theta": 10000.0,
    "sliding_window": 4096,
    "tie_word_embeddings": False,
    "eos_token_id": 2,
    "hidden_act": "silu",
}
QWEN_2 = {
    "model_type": "qwen2",
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "num_hidden_layers": 24,
    "vocab_size": 151936,
    "max_position_embeddings": 32768,
    "max_window_layers": 21,
    "sliding_window": 32768,
    "use_sliding_window": False,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0,
    "tie_word_embeddings": True,
    "eos_token_id": 151645,
    "hidden_act": "silu",
}
GEMMA_2 = {
    "model_type": "gemma2",
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "num_hidden_layers": 4,
    "vocab_size": 256000,
    "max_position_embeddings": 8192,
    "query_pre_attn_scalar": 256,
    "sliding_window": 4096,
    "head_dim": 256,
    "rms_norm_eps": 1e-06,
    "attn_logit_softcapping": 50.0,
    "final_logit_softcapping": 30.0,
    "eos_token_id": [1, 107],
    "hidden_act": "gelu_pytorch_tanh",
    "hidden_activation": "gelu_pytorch_tanh",
}
GEMMA_3_SEEING = {  # the published file of a model with an eye leaves out what its class has as a default
    "model_type": "gemma3",
    "eos_token_id": [1, 106],
    "text_config": {
        "model_type": "gemma3_text",
        "hidden_size": 2560,
        "intermediate_size": 10240,
        "num_hidden_layers": 7,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
        "sliding_window": 1024,
    },
    "vision_config": {"hidden_size": 1152},
}


def understood(content: dict, **changes: object) -> ModelConfig:
    return config_from_json({**content, **changes}, origin="config.json")


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_written_is_read_back(family):
    config = tiny_config(family)
    assert config_from_json(json.loads(json.dumps(config_to_json(config))), origin="") == config


def test_llama_3_with_its_scaled_rotation():
    config = understood(LLAMA)
    assert config.rope_scaling == RopeScaling("llama3", 32.0, 1.0, 4.0, 8192)
    assert (config.head_dim, config.queries_per_kv_head, config.has_tied_embedding) == (64, 4, True)
    assert config.end_tokens == (128001, 128008, 128009)
    assert config.query_scale == 0.125


def test_the_spelling_of_transformers_5_says_the_same():
    old = {key: value for key, value in LLAMA.items() if key not in ("rope_theta", "rope_scaling")}
    new = old | {"rope_parameters": {"rope_theta": 500000.0, **LLAMA["rope_scaling"]}}
    assert understood(new) == understood(LLAMA)


def test_all_layers_of_mistral_slide_if_any_does():
    config = understood(MISTRAL)
    assert (config.sliding_window, config.layer_is_sliding) == (4096, (True,) * 32)
    assert (config.head_dim, config.has_tied_embedding) == (128, False)
    assert understood(MISTRAL, sliding_window=None).sliding_window is None


def test_qwen_2_has_biases_and_slides_only_where_its_switch_is_on():
    config = understood(QWEN_2)
    assert (config.has_attention_bias, config.has_output_bias, config.sliding_window) == (True, False, None)
    sliding = understood(QWEN_2, use_sliding_window=True)
    assert sliding.layer_is_sliding == (False,) * 21 + (True,) * 3


def test_gemma_2_slides_in_every_other_layer_and_caps_twice():
    config = understood(GEMMA_2)
    assert config.layer_is_sliding == (True, False, True, False)
    assert (config.attention_softcap, config.logit_softcap, config.embedding_scale) == (50.0, 30.0, 48.0)
    assert config.sliding_rope_theta is None
    assert understood(GEMMA_2, attn_logit_softcapping=None).attention_softcap is None


def test_the_text_half_of_a_gemma_3_that_sees():
    config = understood(GEMMA_3_SEEING)
    assert (config.architecture, config.vocabulary_size, config.num_heads, config.num_kv_heads) == (
        "gemma3",
        262208,
        8,
        4,
    )
    assert config.layer_is_sliding == (True,) * 5 + (False, True)
    assert (config.rope_theta, config.sliding_rope_theta) == (1_000_000.0, 10_000.0)
    assert config.rope_scaling == RopeScaling("linear", 8.0)
    assert (config.end_tokens, config.query_scale) == ((1, 106), 1 / 16)


def test_the_generation_settings_know_the_end_tokens_better(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({**MISTRAL, "eos_token_id": 2}), encoding="utf-8")
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [2, 7]}', encoding="utf-8")
    assert read_config(tmp_path).end_tokens == (2, 7)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "mamba"}, "the architecture 'mamba'; the engine runs llama, mistral, qwen2, qwen3, gemma"),
        ({"model_type": None}, "the architecture None"),
        ({"hidden_size": None}, "does not say hidden_size"),
        ({"hidden_size": "2048"}, "hidden_size should be a whole number from 1 to 2147483647, found '2048'"),
        ({"num_hidden_layers": 0}, "num_hidden_layers should be a whole number from 1 to 10000, found 0"),
        ({"num_hidden_layers": True}, "found True"),
        ({"num_hidden_layers": 10**9}, "from 1 to 10000, found 1000000000"),
        ({"rms_norm_eps": -1}, "rms_norm_eps should be a number above 0, found -1"),
        ({"num_key_value_heads": 5}, "32 query heads cannot share 5 heads of keys and values"),
        ({"head_dim": 63}, "a head of 63 numbers cannot be rotated in pairs"),
        ({"rope_scaling": {"rope_type": "yarn"}}, "by 'yarn'; the engine knows default, linear, llama3"),
        ({"rope_scaling": {"type": "longrope"}}, "by 'longrope'"),
        ({"rope_scaling": {"rope_type": "linear"}}, "rotation' does not say factor"),
        ({"rope_scaling": 8}, "rope_scaling should be an object, found 8"),
        ({"rope_parameters": {"partial_rotary_factor": 0.5}}, "the engine rotates whole heads"),
        ({"quantization_config": {"quant_method": "gptq"}}, "its weights are quantised"),
        ({"mlp_bias": True}, "its MLP has biases"),
        ({"hidden_act": "relu"}, "the activation 'relu'; its family uses silu"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings should be true or false, found 'yes'"),
        ({"eos_token_id": "</s>"}, "eos_token_id should be a token's number"),
        ({"attn_logit_softcapping": 50.0}, "which only Gemma 2 does"),
    ],
)
def test_what_would_run_wrongly_is_refused(changes, message):
    with pytest.raises(ModelError, match=r"config\.json") as caught:
        understood(LLAMA, **changes)
    assert message in str(caught.value)


def test_layers_of_a_kind_that_nobody_knows_are_refused():
    with pytest.raises(ModelError, match="layer_types should say sliding_attention or full_attention for each of 4"):
        understood(GEMMA_2, layer_types=["linear_attention"] * 4)
    with pytest.raises(ModelError, match="attends to both sides"):
        understood(GEMMA_2, use_bidirectional_attention=True)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_a_broken_file_is_one_sentence(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"config\.json"):
        read_config(tmp_path)
