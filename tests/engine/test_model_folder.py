"""Folders of safetensors: read as transformers writes them, in one file or several; damage is one clear error."""

import json
import struct

import pytest
import torch
from safetensors.torch import load_file, save_file

from reference_engine.errors import ModelError
from reference_engine.model import Model, load_model, save_folder
from tests.support.engine_models import FAMILIES, hf_model, our_model, tiny_config

CONFIG = tiny_config("llama3")


def tensors_of(model: Model) -> list[torch.Tensor]:
    """Return all tensors, layers in order."""
    weights = model.weights
    layers = [getattr(layer, name) for layer in weights.layers for name in type(layer).__slots__]
    return [weights.embedding, weights.final_norm, weights.output, *(tensor for tensor in layers if tensor is not None)]


def are_equal(left: Model, right: Model) -> bool:
    pairs = zip(tensors_of(left), tensors_of(right), strict=True)
    return left.config == right.config and all(one.equal(other) for one, other in pairs)


@pytest.fixture
def folder(tmp_path):
    save_folder(our_model(CONFIG), tmp_path)
    return tmp_path


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_saved_is_loaded_again(family, tmp_path):
    model = our_model(tiny_config(family))
    save_folder(model, tmp_path)
    assert are_equal(load_model(tmp_path), model)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_transformers_saves_is_loaded(family, tmp_path):
    """Its config.json is in a spelling of its own, and it leaves out what is the default."""
    config = tiny_config(family)
    hf_model(config).save_pretrained(tmp_path)
    assert are_equal(load_model(tmp_path), our_model(config))


def test_several_files_are_one_model(tmp_path):
    hf_model(CONFIG).save_pretrained(tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 3
    assert are_equal(load_model(tmp_path), our_model(CONFIG))


def test_the_text_half_of_a_model_that_sees_is_loaded(tmp_path):
    """Its tensors bear a prefix, and the eye's tensors stand beside them."""
    config = tiny_config("gemma3")
    save_folder(our_model(config), tmp_path)
    tensors = {f"language_model.{name}": tensor for name, tensor in load_file(tmp_path / "model.safetensors").items()}
    save_file({**tensors, "vision_tower.patch.weight": torch.zeros(3)}, tmp_path / "model.safetensors")
    assert are_equal(load_model(tmp_path), our_model(config))


def test_weights_come_in_the_type_that_is_asked_for(folder):
    narrow = load_model(folder, dtype=torch.bfloat16)
    assert {tensor.dtype for tensor in tensors_of(narrow)} == {torch.bfloat16}
    wide = tensors_of(our_model(CONFIG))
    assert all(one.equal(other.bfloat16()) for one, other in zip(tensors_of(narrow), wide, strict=True))


def test_a_tied_output_is_the_embedding_itself(tmp_path):
    save_folder(our_model(tiny_config("gemma")), tmp_path)
    weights = load_model(tmp_path).weights
    assert weights.output is weights.embedding


def test_weights_are_mapped_and_the_folder_may_be_replaced_meanwhile(folder, tmp_path_factory):
    model = load_model(folder)
    before = [tensor.clone() for tensor in tensors_of(model)]
    folder.rename(tmp_path_factory.mktemp("elsewhere") / "old")
    assert all(one.equal(other) for one, other in zip(tensors_of(model), before, strict=True))


def test_every_truncation_is_one_clear_error(folder):
    path = folder / "model.safetensors"
    content = path.read_bytes()
    (header_bytes,) = struct.unpack("<Q", content[:8])
    for size in (0, 7, 8, 9, 8 + header_bytes // 2, 8 + header_bytes, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(ModelError, match=r"cannot read .*model\.safetensors.*damaged or breaks off"):
            load_model(folder)
    path.write_bytes(content)
    assert load_model(folder).config == CONFIG


@pytest.mark.parametrize(
    "header",
    [
        b"not json",
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,400]}}',
        b'{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}}',
    ],
)
def test_a_header_that_lies_is_one_clear_error(folder, header):
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    with pytest.raises(ModelError, match="damaged or breaks off"):
        load_model(folder)


def test_a_header_longer_than_any_file_is_one_clear_error(folder):
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2**63) + b"{}")
    with pytest.raises(ModelError, match="damaged or breaks off"):
        load_model(folder)


def change(folder, edit) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path)


def test_a_missing_tensor_is_named(folder):
    change(folder, lambda tensors: tensors.pop("model.layers.1.mlp.up_proj.weight"))
    with pytest.raises(ModelError, match=r"lacks the tensor 'model\.layers\.1\.mlp\.up_proj\.weight'"):
        load_model(folder)


def test_a_tensor_that_would_be_left_out_is_named(folder):
    change(folder, lambda tensors: tensors.update({"model.layers.0.self_attn.q_proj.bias": torch.zeros(96)}))
    with pytest.raises(ModelError, match=r"holds the tensor 'model\.layers\.0\.self_attn\.q_proj\.bias'"):
        load_model(folder)


def test_a_wrong_shape_is_named(folder):
    change(folder, lambda tensors: tensors.update({"model.norm.weight": torch.zeros(47)}))
    with pytest.raises(
        ModelError, match=r"'model\.norm\.weight' has the shape \(47,\); config\.json calls for \(48,\)"
    ):
        load_model(folder)


def test_quantised_numbers_are_refused(folder):
    change(folder, lambda tensors: tensors.update({"model.norm.weight": torch.zeros(48, dtype=torch.int8)}))
    with pytest.raises(ModelError, match="holds int8 numbers; the engine reads float32, float16 and bfloat16"):
        load_model(folder)


def test_a_pickle_is_never_loaded(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"as a pickle \(pytorch_model\.bin\), which can run any code"):
        load_model(folder)


@pytest.mark.parametrize("name", ["../model.safetensors", "absent.safetensors", "/etc/passwd"])
def test_an_index_names_files_of_its_own_folder_only(folder, name):
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"model.norm.weight": name}}), encoding="utf-8")
    with pytest.raises(ModelError, match="which the folder does not hold"):
        load_model(folder)


@pytest.mark.parametrize("content", [{}, {"weight_map": [1]}, {"weight_map": {"a": 1}}])
def test_an_index_without_a_map_is_one_clear_error(folder, content):
    (folder / "model.safetensors.index.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ModelError, match="has no weight_map"):
        load_model(folder)


def test_what_is_no_model_at_all_says_what_would_be_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PASTA_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match=r"no model 'nowhere': give smollm2 .* a folder with safetensors"):
        load_model("nowhere")
    with pytest.raises(ModelError, match=r"'smollm2' is not on this machine: `pasta model fetch smollm2` gets it"):
        load_model("smollm2")
    with pytest.raises(ModelError, match=r"holds no config\.json"):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match="the architecture None"):
        load_model(tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_one_clear_error(folder):
    with pytest.raises(ModelError, match="PyTorch finds no GPU for the device 'cuda:0'"):
        load_model(folder, device="cuda:0")


def test_a_folder_without_weights_says_so(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="holds no weights"):
        load_model(folder)
