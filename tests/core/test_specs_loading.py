"""Spec files: strictness by message, names and aliases, and what is shipped."""

import json
from pathlib import Path

import pytest

from pasta_toolkit.specs import (
    HardwareSpec,
    ModelSpec,
    SpecError,
    hardware_specs,
    load_any,
    load_hardware,
    load_model,
    model_specs,
    parse_spec,
)
from tests.support.cost_data import DATA, needs_data

DEVICE = """
name = "Mine"
kind = "gpu"
architecture = "mine"
bf16_dense_flops_per_s = 1e14
memory_bandwidth_bytes_per_s = 1e12
memory_capacity_bytes = 80000000000
source = ["a datasheet"]
"""


def changed(old: str, new: str) -> str:
    assert old in DEVICE
    return DEVICE.replace(old, new)


BROKEN = {
    "unknown key": (
        DEVICE + "num_compute_unit = 3\n",
        "unknown key 'num_compute_unit'; did you mean 'num_compute_units'?",
    ),
    "unknown table key": (
        DEVICE + "[calibration]\nparameter = {}\n",
        r"mine.toml, table \[calibration\]: unknown key 'parameter'; did you mean 'parameters'?",
    ),
    "missing key": (changed('kind = "gpu"\n', ""), "the key 'kind' is missing"),
    "wrong type": (changed("= 1e14", '= "fast"'), "Expected `float`, got `str` - at key `bf16_dense_flops_per_s`"),
    "zero bandwidth": (changed("= 1e12", "= 0.0"), "memory_bandwidth_bytes_per_s is 0.0; it must be a positive number"),
    "negative capacity": (
        changed("= 80000000000", "= -1"),
        "memory_capacity_bytes is -1; it must be a positive number",
    ),
    "not a number": (changed("= 1e14", "= nan"), "bf16_dense_flops_per_s is nan; it must be a positive number"),
    "unknown kind": (changed('"gpu"', '"abacus"'), "kind is 'abacus'; it must be one of cpu, gpu, tpu"),
    "no source": (changed('["a datasheet"]', "[]"), "source is empty; say where the values come from"),
    "not TOML": ("name = ", "mine.toml is not TOML"),
    "bad unverified": (DEVICE + 'unverified = ["clock"]\n', "unverified names 'clock', which is no key"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_refused_by_what_is_wrong_with_it(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parse_spec(text, HardwareSpec, where="mine.toml")


def test_a_file_of_ones_own_is_found_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(DEVICE, encoding="utf-8")
    assert load_hardware(str(path)).name == "Mine"
    assert load_any(str(path)) == load_hardware(str(path))
    with pytest.raises(SpecError, match="unknown key 'kind'"):
        load_model(str(path))


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(SpecError, match=r"cannot read the spec 'nowhere.toml'"):
        load_hardware("nowhere.toml")


@pytest.mark.parametrize("name", ["h100", "H100-SXM", "h100_sxm", "H100 SXM", "H100-sxm5-80gb"])
def test_names_and_aliases_are_found_in_any_case(name: str) -> None:
    assert load_hardware(name).name == "H100-SXM5-80GB"


@pytest.mark.parametrize("name", ["Llama-3.1-8B", "meta-llama/meta-llama-3.1-8b", "META-LLAMA/LLAMA-3-8B"])
def test_models_are_found_with_and_without_their_owner(name: str) -> None:
    assert load_model(name).name == "meta-llama/Llama-3.1-8B"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("gema-7b", "did you mean 'gemma-7b'?"), ("h10", "did you mean 'h100'?"), ("zzz", r"named 'zzz' \(")],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(SpecError, match=hint.replace("?", r"\?")):
        load_any(name)


def test_no_two_shipped_specs_share_a_name() -> None:
    for specs in (hardware_specs(), model_specs()):
        names = [name.lower() for spec in specs for name in (spec.name, *spec.aliases)]
        assert len(names) == len(set(names))


@needs_data
def test_everything_collected_is_shipped_with_the_same_values() -> None:
    collected = json.loads((DATA / "hardware_models.json").read_text(encoding="utf-8"))
    for entry in collected["hardware"]:
        spec = load_hardware(entry["name"])
        assert spec.bf16_dense_flops_per_s == pytest.approx(entry["bf16_dense_tflops"] * 1e12)
        assert spec.memory_bandwidth_bytes_per_s == pytest.approx(entry["hbm_gbps"] * 1e9)
        assert set(entry["source"]) <= set(spec.source)
    for entry in collected["models"]:
        assert set(entry["source"]) <= set(load_model(entry["name"]).source)


@pytest.mark.parametrize(
    "name",
    ["h100-sxm", "h100-pcie", "h200", "a100-40gb", "a100-80gb", "l4", "l40s", "b200", "mi300x", "rtx-4090", "cpu"],
    ids=str,
)
def test_the_promised_devices_are_there(name: str) -> None:
    assert isinstance(load_any(name), HardwareSpec)


@pytest.mark.parametrize(
    "name",
    [
        "gemma-7b",
        "gemma-2-9b",
        "llama-2-70b",
        "llama-3-8b",
        "llama-3.1-70b",
        "qwen3-8b",
        "qwen3-0.6b",
        "mistral-7b",
        "smollm2-135m",
    ],
    ids=str,
)
def test_the_promised_models_are_there(name: str) -> None:
    assert isinstance(load_any(name), ModelSpec)
