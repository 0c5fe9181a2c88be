"""`pasta spec`: the golden JSON of one entry, the listing, and mistakes."""

import json

import pytest
from click.testing import CliRunner

from pasta_toolkit.cli.spec import command
from pasta_toolkit.specs import SpecError, hardware_specs, load_model, model_specs

GOLDEN = """{
  "schema": "pasta.spec/1",
  "kind": "model",
  "tensor_parallel": 2,
  "spec": {
    "name": "google/gemma-7b",
    "num_layers": 28,
    "hidden_size": 3072,
    "feed_forward_size": 24576,
    "num_query_heads": 16,
    "num_kv_heads": 16,
    "head_size": 256,
    "vocabulary_size": 256000,
    "has_tied_embeddings": true,
    "source": [
      "SOURCE"
    ],
    "has_gated_feed_forward": true,
    "has_query_key_norm": false,
    "has_query_key_value_bias": false,
    "norms_per_layer": 2,
    "num_sliding_window_layers": 0,
    "weight_bytes": 2,
    "kv_bytes": 2
  },
  "derived": {
    "num_parameters": 8537680896,
    "num_matrix_parameters": 8537505792,
    "total_weight_bytes": 17075361792,
    "weight_bytes_per_step": 8537862144,
    "kv_bytes_per_token": 229376,
    "flops_per_token": 17075011584
  }
}
"""


def test_json_of_one_model_is_golden() -> None:
    result = CliRunner().invoke(command, ["gemma-7b", "--tensor-parallel", "2", "--format", "json"])
    assert result.exit_code == 0
    assert result.stdout == GOLDEN.replace("SOURCE", load_model("gemma-7b").source[0])


def test_the_listing_names_all_devices_and_models() -> None:
    text = CliRunner().invoke(command, []).stdout
    content = json.loads(CliRunner().invoke(command, ["--format", "json"]).stdout)
    assert [entry["name"] for entry in content["hardware"]] == [spec.name for spec in hardware_specs()]
    assert [entry["name"] for entry in content["models"]] == [spec.name for spec in model_specs()]
    assert all(spec.name in text for spec in (*hardware_specs(), *model_specs()))


def test_text_marks_unverified_values_and_shows_sources() -> None:
    text = CliRunner().invoke(command, ["b200"]).stdout
    assert "last_level_cache_bytes = 126000000  (unverified)" in text
    assert "- ai-dynamo/aiconfigurator@095f58a" in text


def test_an_unknown_name_is_a_spec_error() -> None:
    with pytest.raises(SpecError, match="no device and no model named 'lama-2'; did you mean"):
        CliRunner().invoke(command, ["lama-2"], catch_exceptions=False)
