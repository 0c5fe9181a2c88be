"""GGUF files: every family and every type of numbers comes back as it was written; damage is one clear error."""

import numpy as np
import pytest
import torch
from gguf import GGML_QUANT_SIZES, dequantize, quantize
from gguf import GGMLQuantizationType as Kind
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_engine.errors import ModelError
from reference_engine.model import Model, RopeScaling, load_model
from reference_engine.model.rotary import inverse_frequencies
from tests.support.engine_gguf import write_gguf
from tests.support.engine_models import our_model, tiny_config

QUANTISED_SHAPE = {"hidden_size": 64, "head_dim": 16, "num_heads": 4, "intermediate_size": 96}
SMALL = 1e-6  # float32: Gemma's norms lose a last digit when one is added and taken away


def differences(left: Model, right: Model) -> list[float]:
    """Return the greatest difference of each pair of tensors."""
    found = [(left.weights.embedding, right.weights.embedding), (left.weights.output, right.weights.output)]
    for one, other in zip(left.weights.layers, right.weights.layers, strict=True):
        pairs = [(getattr(one, name), getattr(other, name)) for name in type(one).__slots__]
        assert all((first is None) == (second is None) for first, second in pairs)
        found += [pair for pair in pairs if pair[0] is not None]
    return [float((one - other).abs().max()) for one, other in found]


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("llama", {}),
        ("llama_biased", {}),
        ("qwen2", {"sliding_window": None, "layer_is_sliding": ()}),
        ("qwen3", {}),
        ("gemma", {}),
        ("gemma2", {"attention_scale": 16**-0.5}),
        ("gemma3", {"attention_scale": 16**-0.5}),
    ],
)
def test_every_family_comes_back(tmp_path, family, changes):
    model = our_model(tiny_config(family, norm_epsilon=2**-17, **changes))
    write_gguf(model, tmp_path / "model.gguf")
    loaded = load_model(tmp_path / "model.gguf")
    assert loaded.config == model.config
    assert max(differences(loaded, model)) < SMALL


@pytest.mark.parametrize("kind", [Kind.F16, Kind.BF16, Kind.Q8_0, Kind.Q4_0, Kind.Q4_1, Kind.Q5_0, Kind.Q5_1])
def test_every_type_of_numbers_is_what_its_own_package_makes_of_it(tmp_path, kind):
    model = our_model(tiny_config("qwen3", norm_epsilon=2**-17, **QUANTISED_SHAPE))
    write_gguf(model, tmp_path / "model.gguf", kind=kind)
    loaded = load_model(tmp_path / "model.gguf")
    wide = model.weights.layers[1].down
    assert loaded.weights.layers[1].down.equal(torch.from_numpy(dequantize(quantize(wide.numpy(), kind), kind)))
    assert 0 < max(differences(loaded, model)) < 0.5
    assert loaded.weights.layers[1].query_norm.equal(model.weights.layers[1].query_norm)


@pytest.mark.parametrize("kind", [Kind.Q2_K, Kind.Q3_K, Kind.Q4_K, Kind.Q5_K, Kind.Q6_K])
def test_super_blocks_are_what_their_own_package_makes_of_them(tmp_path, kind):
    """The package cannot write these, so a matrix is any bytes whose float16 numbers are finite."""
    model = our_model(tiny_config("qwen3", intermediate_size=512))
    block, size = GGML_QUANT_SIZES[kind]
    content = np.random.default_rng(7).integers(0, 256, (model.config.hidden_size, 512 // block * size), dtype=np.uint8)
    content &= 0xBF
    write_gguf(model, tmp_path / "model.gguf", raw={"blk.1.ffn_down.weight": (content, kind)})
    loaded = load_model(tmp_path / "model.gguf")
    assert loaded.weights.layers[1].down.equal(torch.from_numpy(dequantize(content, kind)))
    assert loaded.weights.layers[0].down.equal(model.weights.layers[0].down)


def test_llama_3_scales_its_rotation_by_a_tensor(tmp_path):
    scaling = RopeScaling("llama3", 32.0, original_positions=8192)
    config = tiny_config("llama", rope_theta=500_000.0, rope_scaling=scaling, norm_epsilon=2**-17)
    unscaled = inverse_frequencies(tiny_config("llama", rope_theta=500_000.0))
    factors = unscaled / inverse_frequencies(config)
    write_gguf(our_model(config), tmp_path / "model.gguf", extra={"rope_freqs.weight": factors})
    assert load_model(tmp_path / "model.gguf").config == config
    write_gguf(our_model(config), tmp_path / "model.gguf", extra={"rope_freqs.weight": factors.sqrt()})
    with pytest.raises(ModelError, match="in a way that is not Llama 3's"):
        load_model(tmp_path / "model.gguf")


@pytest.mark.parametrize(
    ("family", "extra", "message"),
    [
        ("mistral", {}, "does not say which layers"),
        ("llama", {"blk.0.ffn_gate_exps.weight": torch.zeros(2)}, "holds the tensor 'blk.0.ffn_gate_exps.weight'"),
        ("llama", {"blk.0.attn_norm.weight": torch.zeros(47)}, "has the shape (47,); its metadata calls for (48,)"),
        ("gemma", {"output_norm.weight": torch.full((48,), torch.inf)}, "holds numbers that are not finite"),
        ("qwen3", {"token_embd.weight": torch.zeros(97, 47)}, "has the shape (97, 47)"),
    ],
)
def test_what_would_run_wrongly_is_refused(tmp_path, family, extra, message):
    write_gguf(our_model(tiny_config(family)), tmp_path / "model.gguf", extra=extra)
    with pytest.raises(ModelError) as caught:
        load_model(tmp_path / "model.gguf")
    assert message in str(caught.value)


def test_an_unknown_architecture_and_a_missing_file_are_named(tmp_path):
    path = tmp_path / "model.gguf"
    write_gguf(our_model(tiny_config("llama")), path)
    path.write_bytes(path.read_bytes().replace(b"llama", b"mamba"))
    with pytest.raises(ModelError, match="architecture 'mamba'; the engine runs llama"):
        load_model(path)
    with pytest.raises(ModelError, match="no model"):
        load_model(tmp_path / "other.gguf")


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("gguf") / "model.gguf"
    write_gguf(our_model(tiny_config("llama")), path)
    return path.read_bytes()


def loads_or_explains(path, content: bytes) -> str:
    """Load a file; return the message of the one error that is allowed, or nothing."""
    path.write_bytes(content)
    try:
        load_model(path)
    except ModelError as error:
        return str(error)
    return ""


@settings(max_examples=40)
@given(st.data())
def test_every_truncation_is_one_clear_error(content, tmp_path_factory, data):
    size = data.draw(st.integers(0, len(content) - 64))  # the last bytes may be padding
    message = loads_or_explains(tmp_path_factory.mktemp("cut") / "model.gguf", content[:size])
    assert "model.gguf" in message


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_header_is_an_error_or_a_model_and_never_a_crash(content, tmp_path_factory, data):
    place = data.draw(st.integers(0, 3000))
    damage = data.draw(st.binary(min_size=1, max_size=8))
    damaged = content[:place] + damage + content[place + len(damage) :]
    message = loads_or_explains(tmp_path_factory.mktemp("damaged") / "model.gguf", damaged)
    assert not message or "model.gguf" in message
