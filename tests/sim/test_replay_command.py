"""`pasta replay`: a small log, with ends and without, against its own numbers."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.support.cli_runs import run

TRACES = Path(__file__).parents[3] / "shared" / "data" / "traces"
LAYERS = TRACES / "vllm019_rtx4090_llama31_8b_kernels"
MODEL = ("--model", "llama-3.1-8b", "--hardware", "rtx-4090")
needs_layers = pytest.mark.skipif(not TRACES.is_dir(), reason="the measured layers are not here")


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.csv"
    rows = [(0, 200, 40, 0.05, 0.95), (0.1, 100, 30, 0.2, 0.9), (1.5, 50, 20, 1.55, 2.0)]
    lines = ["request_id,input_toks,output_toks,queued_s,first_token_s,last_token_s"]
    lines += [f"r{i},{tokens},{out},{at},{first},{last}" for i, (at, tokens, out, first, last) in enumerate(rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def arrivals(tmp_path):
    path = tmp_path / "arrivals.csv"
    path.write_text("arrival_s,prompt_tokens,output_tokens\n0,100,10\n1,50,1\n", encoding="utf-8")
    return str(path)


def test_the_table_lays_the_prediction_beside_the_log(log):
    found = run("replay", log, *MODEL)
    assert found.exit_code == 0
    lines = found.stdout.splitlines()
    assert "requests      3, arriving over 1.5 s" in lines
    assert "As they are priced: 3 requests" in lines
    latency = next(line for line in lines if line.startswith("latency")).split()
    assert latency[3:5] == ["750.0", "ms"]  # the mean of 0.95, 0.8 and 0.5 s
    assert [line.split()[0] for line in lines if line.startswith("T")] == ["TTFT", "TPOT"]


def test_the_data_are_the_same_in_all_formats(log):
    content = json.loads(run("replay", log, *MODEL, "--format", "json").stdout)
    assert content["schema"] == "pasta.replay/1"
    (part,) = content["parts"]
    latency = part["times"]["latency"]
    assert latency["measured_s"] == pytest.approx((0.95 + 0.8 + 0.5) / 3)
    assert latency["mean_error"] == pytest.approx(latency["predicted_s"] / latency["measured_s"] - 1)
    rows = list(csv.DictReader(io.StringIO(run("replay", log, *MODEL, "--format", "csv").stdout)))
    assert [float(row["predicted_latency_s"]) for row in rows] == [row["predicted_latency_s"] for row in part["rows"]]
    assert "| latency |" in run("replay", log, *MODEL, "--format", "markdown").stdout


def test_arrivals_without_ends_are_predicted_only(arrivals, tmp_path):
    found = json.loads(run("replay", arrivals, *MODEL, "--format", "json", "--plots", str(tmp_path)).stdout)
    assert found["parts"][0]["times"]["TTFT"]["measured_s"] is None
    assert found["parts"][0]["rows"][1]["measured_latency_s"] is None
    assert (tmp_path / "replay.svg").read_bytes().startswith(b"<?xml")


@needs_layers
def test_requests_of_a_warm_engine_tell_its_speed_and_the_others_are_judged(log, tmp_path):
    path = tmp_path / "long.csv"
    rows = "r3,60,30,6,6.05,6.6\nr4,60,30,7,7.05,7.6\nr5,60,30,8,8.05,8.6\n"
    path.write_text(Path(log).read_text(encoding="utf-8") + rows, encoding="utf-8")
    arguments = ("replay", str(path), *MODEL, "--kernel-tables", str(LAYERS))
    parts = json.loads(run(*arguments, "--speed-from", "2", "--format", "json").stdout)["parts"]
    assert parts[1]["title"].endswith("times the layers' speed, from 2 requests; the others")
    assert [[row["request"] for row in part["rows"]] for part in parts] == [list("012345"), list("0125")]
    assert len(json.loads(run(*arguments, "--speed-from", "0", "--format", "json").stdout)["parts"]) == 1
    (given,) = json.loads(run(*arguments, "--engine-speed", "2", "--format", "json").stdout)["parts"]
    assert given["title"] == "At 2 times the layers' speed"
    assert given["times"]["latency"]["predicted_s"] < parts[0]["times"]["latency"]["predicted_s"] / 1.9


@needs_layers
def test_the_requests_of_a_cold_engine_tell_no_speed(log):
    found = run("replay", log, *MODEL, "--kernel-tables", str(LAYERS), "--format", "json")
    assert [part["title"] for part in json.loads(found.stdout)["parts"]] == ["As they are priced"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nowhere.csv",), "no load file 'nowhere.csv'"),
        (("LOG", "--model", "nothing"), "no model named 'nothing'"),
        (("LOG", "--max-requests", "0"), "0 is not in the range"),
        (("LOG", "--kv-slots", "50"), "needs 200 slots of the KV cache, which has 50"),
        (("LOG", "--model", "llama-3-70b", "--hardware", "l4"), "does not fit"),
    ],
)
def test_what_cannot_be_replayed_gets_one_sentence(log, arguments, complaint):
    found = run("replay", *(log if argument == "LOG" else argument for argument in arguments))
    assert found.exit_code == 2
    assert complaint in found.stderr
