import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from grammar import PastaError, parse
from pasta_toolkit.cli import simulate_options
from pasta_toolkit.cli.simulate import command
from pasta_toolkit.dag import build_dag
from pasta_toolkit.dag.export import to_json
from pasta_toolkit.runtime import EventKind, read_trace
from pasta_toolkit.tokens import load_counter
from simulator.strategies import STRATEGIES

ANSWER = (
    'Two things matter here.\n<promise topic="first" tokens="30"/><promise topic="second" tokens="30"/>'
    "<async>The first of them is that bread needs time, warmth and a little salt to become what it should be.</async>"
    "<async>The second of them is that ovens differ, so that no recipe can say exactly how long is enough.</async>"
    "<sync/>\nSo try it."
)


@pytest.fixture
def answers(tmp_path):
    path = tmp_path / "answers.jsonl"
    records = [{"instruction": "How does one bake bread?", "response": ANSWER}, {"response": "Plain text."}]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return str(path)


def run(*arguments, code=0):
    result = CliRunner().invoke(command, list(map(str, arguments)))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def test_json_has_a_row_for_each_answer_and_strategy(answers):
    content = json.loads(run(answers, "--format", "json").stdout)
    assert content["schema"] == "pasta.simulate/1"
    assert [(Path(row["document"]).name, row["strategy"]) for row in content["rows"]] == [
        ("answers.jsonl:1", "sequential"),
        ("answers.jsonl:1", "pasta"),
        ("answers.jsonl:2", "sequential"),
        ("answers.jsonl:2", "pasta"),
    ]
    assert content["summary"]["sequential"]["geomean_speedup"] == 1
    row = content["rows"][1]
    assert row["perfect_s"] + sum(row["loss"].values()) == pytest.approx(row["latency_s"])


@pytest.mark.parametrize("output_format", ["text", "markdown", "csv", "json"])
def test_same_inputs_give_the_same_bytes(answers, output_format):
    arguments = (answers, "--format", output_format, "--strategy", "all", "--seed", "3")
    assert run(*arguments).stdout == run(*arguments).stdout


def test_a_load_curve_has_a_point_for_each_rate_and_strategy(answers):
    arguments = (answers, "--rate", "1", "--rate", "50", "--requests", "20", "--slo-latency", "1", "--format", "json")
    content = json.loads(run(*arguments).stdout)
    assert [(point["rate_per_s"], point["strategy"]) for point in content["load"]] == [
        (1.0, "sequential"),
        (1.0, "pasta"),
        (50.0, "sequential"),
        (50.0, "pasta"),
    ]
    assert [found["strategy"] for found in content["break_even"]] == ["pasta"]


def test_a_recorded_load_gives_the_arrivals(answers, tmp_path):
    load = tmp_path / "load.csv"
    load.write_text("arrival_s,prompt_tokens,output_tokens\n0,1,1\n1,1,1\n2,1,1\n", encoding="utf-8")
    stretched = json.loads(run(answers, "--rate", "2", "--load-file", load, "--format", "json").stdout)
    as_it_was = json.loads(run(answers, "--load-file", load, "--format", "json").stdout)
    assert [content["load"][0]["num_requests"] for content in (stretched, as_it_was)] == [3, 3]
    assert [content["load"][0]["rate_per_s"] for content in (stretched, as_it_was)] == [2.0, 1.5]


def test_a_recorded_load_alone_is_served_with_its_own_lengths(tmp_path):
    load = tmp_path / "load.csv"
    load.write_text("arrival_s,prompt_tokens,output_tokens\n0,9,20\n1,5,30\n4,6,10\n", encoding="utf-8")
    content = json.loads(run("--load-file", load, "--requests", "2", "--format", "json").stdout)
    rows = [(row["strategy"], row["decoded_tokens"]) for row in content["rows"]]
    assert rows == [("sequential", 20), ("sequential", 30)]
    assert content["load"][0]["rate_per_s"] == 2.0
    assert content["about"]["arrivals"] == f"2, as in {load}"


def test_a_dag_that_was_exported_is_simulated_like_its_answer(tmp_path):
    (tmp_path / "answer.txt").write_text(ANSWER, encoding="utf-8")
    graph = tmp_path / "answer.json"
    graph.write_text(to_json(build_dag(parse(ANSWER), load_counter("smollm2"))), encoding="utf-8")
    of_text, of_graph = (
        json.loads(run(path, "--prompt-tokens", "9", "--format", "json").stdout)["rows"]
        for path in (tmp_path / "answer.txt", graph)
    )
    assert [row | {"document": ""} for row in of_text] == [row | {"document": ""} for row in of_graph]


def test_a_graph_with_a_cycle_is_refused_in_one_sentence(tmp_path):
    document = json.loads(to_json(build_dag(parse(ANSWER), load_counter("words"))))
    document["edges"].append({"source": 1, "target": 0})
    path = tmp_path / "cycle.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(PastaError, match="wait for each other in a circle, so none can start") as caught:
        run(path)
    assert "\n" not in str(caught.value)


MOONCAKE = "".join(
    json.dumps({"timestamp": 1000 * at, "input_length": 1024, "output_length": 4, "hash_ids": [7 + at % 2, 9]}) + "\n"
    for at in range(6)
)


def test_a_recorded_load_finds_its_prefixes_cached_if_asked_to(tmp_path):
    load = tmp_path / "mooncake.jsonl"
    load.write_text(MOONCAKE, encoding="utf-8")
    two = ("--load-file", load, "--replicas", "2", "--format", "json")
    cold, warm, turns = (
        json.loads(run(*two, *options).stdout)
        for options in ((), ("--prefix-cache", "--router", "prefix-aware"), ("--router", "round-robin"))
    )
    assert (cold["load"][0]["cached_share"], turns["load"][0]["cached_share"]) == (0, 0)
    assert warm["load"][0]["cached_share"] == pytest.approx(4 * 1023 / (6 * 1024))
    assert warm["load"][0]["ttft"]["p50_s"] < cold["load"][0]["ttft"]["p50_s"]
    assert (cold["about"]["prefix cache"], warm["about"]["prefix cache"]) == ("no", "yes")


def test_neither_answers_nor_a_load_is_a_usage_error():
    assert "Missing argument 'PATH...'" in run(code=2).stderr


def test_a_row_of_a_load_without_a_number_is_named(tmp_path):
    load = tmp_path / "load.csv"
    load.write_text("arrival_s,prompt_tokens,output_tokens\n0,5\n", encoding="utf-8")
    with pytest.raises(PastaError, match="line 2: a value is missing or no number"):
        run("--load-file", load)


def test_a_service_level_is_a_positive_time(answers):
    assert "'--slo-ttft'" in run(answers, "--slo-ttft", "-1", code=2).stderr


def test_all_files_are_written(answers, tmp_path):
    page, trace, folder = tmp_path / "report.html", tmp_path / "trace.json", tmp_path / "plots"
    events = tmp_path / "events.jsonl"
    files = ("--html", page, "--chrome-trace", trace, "--plots", folder, "--trace", events)
    run(answers, *files, "--timeline", f"{answers}:1")
    with events.open(encoding="utf-8") as stream:
        about, read = read_trace(stream)
    assert about["model"] == "google/gemma-7b"
    assert read[-1].kind is EventKind.COMPLETION
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    assert {path.suffix for path in folder.iterdir()} == {".svg"}


def test_answers_that_are_not_valid_are_named_and_left_out(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_text(json.dumps({"response": "<sync/>"}) + "\n" + json.dumps({"response": ANSWER}) + "\n", "utf-8")
    result = run(path, "--format", "json", code=1)
    assert len(json.loads(result.stdout)["rows"]) == 2
    assert "answers.jsonl:1: line 1, column 1" in result.stderr
    assert "1 records are not valid and were left out" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "gemma-7x"), "gemma-7x"),
        (("--hardware", "h1000"), "h1000"),
        (("--model", "llama-3.1-70b", "--hardware", "l4"), "does not fit"),
        (("--cost", "table", "--hardware", "rtx-4090"), "no measured kernels of 'RTX-4090' come with this package"),
        (
            ("--cost", "roofline", "--kernel-tables", "x"),
            "the cost model 'roofline' has no use for kernel tables; take",
        ),
        (("--kernel-tables", "no/such/tables"), "no kernel tables at 'no/such/tables': give a folder, or the start"),
        (("--engine-speed", "1.1"), "so it needs tables of them"),
        (("--rate", "-1"), "the arrival rate must be positive, found -1"),
        (("--rate", "1", "--requests", "0"), "a workload has at least 1 request, found 0"),
        (("--rate", "1", "--load-file", "none.csv"), "no load file 'none.csv'"),
        (("--rate", "inf"), "the arrival rate must be positive, found inf"),
        (("--max-lanes", "0"), "max_lanes must be at least 1, found 0"),
        (("--kv-slots", "20"), "of the KV cache, which has 20"),
        (("--kv-slots", "0"), "the KV cache holds at least 1 token, found 0"),
        (("--strategy", "speculative", "--acceptance", "2"), "an acceptance rate lies between 0 and 1, found 2"),
        (("--tensor-parallel", "0"), "tensor"),
        (("--timeline", "nobody"), "no answer 'nobody'"),
        (("--html", "no/such/folder/report.html"), "cannot write 'no/such/folder/report.html': No such file"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(answers, arguments, message):
    with pytest.raises(PastaError) as caught:
        run(answers, *arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_to_simulate_is_refused(tmp_path):
    empty = tmp_path / "empty.jsonl"
    empty.write_text("", encoding="utf-8")
    with pytest.raises(PastaError, match="there is no answer to simulate"):
        run(empty)


def test_options_that_name_the_simulators_own_choices_name_all_of_them():
    assert simulate_options.STRATEGIES == STRATEGIES


def test_help_shows_an_example():
    assert "pasta simulate annotated.jsonl" in run("--help").stdout
