"""`pasta decode`, on a tiny model in a folder: what it prints, what it writes, and what it refuses."""

import io
import json
import sys
from pathlib import Path

import pytest
import torch

from grammar import check_with_lark, format_document, parse, render
from pasta_toolkit.cli.decode_lanes import Lanes
from pasta_toolkit.cli.decode_results import Row, exit_code, report_text, summary
from pasta_toolkit.runtime import EventKind, ThreadState, read_script, read_trace, script_data
from reference_engine import EngineOptions, Recording
from reference_engine.cpu_threads import num_physical_cores
from reference_engine.events import RequestEnded, TextReady, ThreadProgress
from reference_engine.model import save_folder
from reference_engine.teaching import EXAMPLES, lesson
from tests.support.cli_runs import run
from tests.support.engine_free import END, tiny_model, tokenizer

ANSWER = (
    'Two: <promise topic="left" tokens="20"/><promise topic="right" tokens="10"/>'
    "<async>one thing and another</async><async>nothing</async><sync/> So it is."
)
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
QUICK = ("--max-tokens", "12", "--slots", "512")


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A folder as others publish them: weights, settings, tokenizer, chat template."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    folder.mkdir()
    save_folder(tiny_model(), folder)
    tokenizer().library.save(str(folder / "tokenizer.json"))
    settings = {"chat_template": CHAT_TEMPLATE, "eos_token": "<|im_end|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    return str(folder)


@pytest.fixture(scope="session")
def answers(tmp_path_factory):
    path = tmp_path_factory.mktemp("answers") / "answers.jsonl"
    records = [{"instruction": "Which?", "response": ANSWER}, {"response": "Plain text."}, {"response": "<sync/>"}]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch, tmp_path_factory):
    """The command leaves PyTorch's threads as the environment says; compiled masks are kept for these tests alone."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    yield
    assert torch.get_num_threads() == 1


def decode(model, *arguments, code=0):
    result = run("decode", "--model", model, *QUICK, *map(str, arguments))
    assert result.exit_code == code, result.stderr
    return result


def rows(result):
    content = json.loads(result.stdout)
    assert content["schema"] == "pasta.decode/1"
    return content["rows"]


def test_documents_are_executed_and_measured(model, answers):
    result = decode(model, answers, "--limit", 2, "--sequential", "--format", "json")
    first, second = rows(result)
    assert [Path(row["document"]).name for row in (first, second)] == ["answers.jsonl:1", "answers.jsonl:2"]
    assert (first["mode"], first["threads"], second["threads"]) == ("forced", 3, 1)
    assert first["tokens_per_s"] == pytest.approx(first["tokens"] / first["latency_s"])
    assert first["measured_speedup"] == pytest.approx(first["sequential_latency_s"] / first["latency_s"])
    assert 0 < first["ttft_s"] < first["latency_s"]
    assert second["ideal_speedup"] == 1
    assert 0 <= first["agreement"] <= 1
    content = json.loads(result.stdout)
    assert content["summary"]["tokens"] == first["tokens"] + second["tokens"]
    assert content["about"]["dtype"] in {"bfloat16", "float32"}
    assert content["about"]["step"].startswith("CPU step")


def test_the_table_names_every_document(model, answers):
    lines = decode(model, answers, "--limit", 2).stdout.splitlines()
    assert lines[0].split() == [
        "document",
        "threads",
        "tokens",
        "latency",
        "first",
        "token",
        "tokens/s",
        "measured",
        "ideal",
    ]
    assert lines[1].startswith(f"{answers}:1 ")
    assert lines[-1].startswith("2 of 2 requests")


def test_documents_that_are_not_valid_are_named_and_left_out(model, answers):
    result = decode(model, answers, "--format", "json", code=1)
    assert len(rows(result)) == 2
    assert "answers.jsonl:3: line 1, column 1" in result.stderr


DRAWN = ("--prompt", "Why?", "--promise-by", 24, "--max-promises", 1, "--max-tokens", 30, "--temperature", 0.8)


@pytest.mark.parametrize("more", [("--layout", "copied", "--row-slots", 128), ("--layout", "paged", "--jump-forward")])
def test_free_answers_are_valid_documents(model, more):
    (row,) = rows(decode(model, *DRAWN, *more, "--format", "json"))
    check_with_lark(row["response"])
    assert row["text"] == render(parse(row["response"]))
    assert (row["mode"], row["threads"]) == ("free", 2)
    assert "fault" not in row


def test_the_same_seed_gives_the_same_bytes(model):
    first, again, other = (decode(model, *DRAWN, "--seed", seed).output for seed in (4, 4, 5))
    assert first == again != other


def test_the_answer_goes_to_stdout_and_everything_else_to_stderr(model):
    chosen = ("--prompt", "Why?", "--temperature", 1, "--max-promises", 0)
    row = rows(decode(model, *chosen, "--format", "json"))[0]
    result = decode(model, *chosen)
    assert result.stdout == row["text"] + "\n"
    assert "CPU step" in result.stderr
    assert "1 of 1 requests" in result.stderr


def test_a_request_draws_the_same_in_any_company(model, tmp_path):
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(json.dumps({"instruction": text}) + "\n" for text in ("One?", "Two?")), "utf-8")
    chosen = ("--temperature", 1, "--step", "readable", "--format", "json")
    together = rows(decode(model, "--prompts", path, "--batch", 2, *chosen))
    (alone,) = rows(decode(model, "--prompt", "Two?", *chosen))
    assert together[1]["response"] == alone["response"] != together[0]["response"]


def test_a_free_answer_is_decoded_again_by_one_thread(model):
    chosen = ("--prompt", "Why?", "--promise-by", 20, "--sequential", "--max-tokens", 30, "--format", "json")
    row = rows(decode(model, *chosen))[0]
    assert row["measured_speedup"] == pytest.approx(row["sequential_latency_s"] / row["latency_s"])
    assert row["ideal_speedup"] > 0


def test_the_trace_can_be_replayed_from_its_header(model, answers, tmp_path):
    path = tmp_path / "trace.jsonl"
    decode(model, answers, "--limit", 2, "--sequential", "--trace", path)
    with path.open(encoding="utf-8") as stream:
        about, events = read_trace(stream)
    names = [request["request"] for request in about["requests"]]
    assert sorted(names) == sorted(f"{answers}:{number}{kind}" for number in (1, 2) for kind in ("", " (sequential)"))
    assert (about["layout"], about["num_slots"], about["batch"]) == ("interleaved", 512, 1)
    times = [event.at_ns for event in events]
    assert times == sorted(times)
    steps = [event.step for event in events if event.kind is EventKind.STEP_BEGIN]
    assert steps == list(range(len(steps)))
    completed = {event.request: event.value for event in events if event.kind is EventKind.COMPLETION}
    forced_on_branches = {f"{answers}:1": 2}  # the first token of each of its two branches
    for request in about["requests"]:
        script = read_script(request["script"])
        assert script_data(script) == request["script"]
        decoded = sum(thread.decoded_tokens for thread in script.threads)
        assert decoded + forced_on_branches.get(request["request"], 0) == completed[request["request"]]


def test_the_timeline_is_drawn(model, answers, tmp_path):
    pytest.importorskip("matplotlib", reason="drawing needs matplotlib")
    decode(model, answers, "--limit", 1, "--timeline", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    refused = decode(model, answers, "--limit", 1, "--timeline", tmp_path / "a.gif", code=2)
    assert "plots are written as svg or png, not as 'gif'" in refused.stderr


def test_without_a_mask_text_is_taken_as_it_comes(model):
    chosen = ("--prompt", "Why?", "--no-mask", "--temperature", 1, "--format", "json")
    (row,) = rows(decode(model, *chosen))
    assert row["response"] == row["text"]
    assert "fault" not in row


def test_an_ill_formed_answer_is_a_finding():
    fine, ill, failed = Row("a", "free", text="x"), Row("b", "free", fault="odd tag"), Row("c", "free", error="no room")
    assert [exit_code(several, 0) for several in ([fine], [fine, ill], [fine, failed], [failed])] == [0, 1, 1, 2]
    assert exit_code([fine], 1) == 1
    totals = summary([fine, ill, failed], decode_s=1.0)
    assert (totals["failed"], totals["ill_formed"]) == (1, 1)
    assert "b: odd tag\nc: no room\n" in report_text([fine, ill, failed], totals)


def test_a_request_that_does_not_fit_fails_alone(model, tmp_path):
    path = tmp_path / "prompts.jsonl"
    prompts = ["Short?", "long " * 600, "x" * 20_000]
    path.write_text("".join(json.dumps({"instruction": text}) + "\n" for text in prompts), "utf-8")
    result = decode(model, "--prompts", path, "--raw", "--format", "json", code=1)
    short, too_long, far_too_long = rows(result)
    assert "error" not in short
    assert "slots of the KV cache, which has 512" in too_long["error"]
    assert "tokens; 'tiny' reads at most 4095" in far_too_long["error"]
    assert json.loads(result.stdout)["summary"]["failed"] == 2


def test_the_lesson_is_in_the_language():
    for _, answer in EXAMPLES:
        assert format_document(parse(answer)) == answer
        check_with_lark(answer)
    assert [message["role"] for message in lesson()] == ["system", *["user", "assistant"] * len(EXAMPLES)]


def test_the_lesson_comes_before_the_prompt(model):
    plain, taught = (
        rows(decode(model, "--prompt", "Why?", *teach, "--format", "json"))[0]["prompt_tokens"]
        for teach in ((), ("--teach",))
    )
    assert taught > plain + 200


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Give either PATH"),
        (("none.jsonl",), "none.jsonl"),
        (("--prompt", "a", "--positions", "oracle"), "the position policy 'oracle' needs branches of known length"),
        (("--prompt", "a", "--positions", "best"), "no position policy 'best'"),
        (("--prompt", "a", "--device", "abacus"), "no device is called 'abacus'"),
        (("--prompt", "a", "--raw", "--teach"), "--teach needs the chat template"),
        (("--prompt", "a", "--temperature", "-1"), "the temperature is 0 (the likeliest token) or more, found -1.0"),
        (("--prompt", "a", "--max-tokens", "0"), "max_tokens must be at least 1, found 0"),
        (("--prompt", "a", "--max-tokens", "1"), "a stream 'branch' takes"),
        (("--prompt", "a", "--promise-by", "2"), "no promise can be completed within first_promise_by tokens"),
        (("--prompt", "a", "--no-mask", "--max-promises", "2"), "limits on promises and topics need the mask"),
        (("--prompt", "", "--raw"), "has 0 prompt tokens; it needs at least 1"),
        (("--prompt", "long " * 600), "of the KV cache, which has 512"),
        (("--prompt", "a", "--trace", "no/such/folder/trace.jsonl"), "cannot write 'no/such/folder/trace.jsonl'"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(model, arguments, message):
    result = decode(model, *arguments, code=2)
    (said,) = (line for line in result.stderr.splitlines() if message in line)
    assert said


def test_a_model_that_is_not_fetched_says_how_to_fetch_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PASTA_MODELS", str(tmp_path))
    result = run("decode", "--prompt", "a")
    assert result.exit_code == 2
    assert "`pasta model fetch smollm2` gets it" in result.stderr
    assert "no model 'smallm3'" in decode("smallm3", "--prompt", "a", code=2).stderr


def test_help_shows_examples():
    text = run("decode", "--help").stdout
    assert "pasta decode answers.jsonl --limit 10 --sequential" in text


class _Terminal(io.StringIO):
    def isatty(self):
        return True


RECORDING = Recording("a", 3, ((1, 2), (3,)), None, latency_ns=2_000_000_000, ttft_ns=5)
EVENTS = [
    ThreadProgress("a", 0, 2, ThreadState.BLOCKED),
    ThreadProgress("a", 1, 7, ThreadState.READY, "left side", 20),
    TextReady("a", "So far [so good]."),
]


def test_a_terminal_shows_a_live_lane_for_each_thread(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := _Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with Lanes() as lanes:
        for event in EVENTS:
            lanes.show(event)
        lanes._live.refresh()
        lanes.show(RequestEnded("a", RECORDING))
    shown = terminal.getvalue()
    for part in ("a main", "2 tokens", "blocked at sync", "branch 1 left side", "7/20 tokens", "So far [so good]."):
        assert part in shown
    assert "a: 3 tokens in 2 threads, 2.00 s" in shown


def test_without_a_terminal_there_is_a_line_for_each_request(capsys):
    with Lanes() as lanes:
        for event in EVENTS:
            lanes.show(event)
        lanes.show(RequestEnded("a", RECORDING))
    assert capsys.readouterr().err == "a: 3 tokens in 2 threads, 2.00 s\n"


def test_physical_cores_are_counted_once(tmp_path):
    listed = "".join(f"processor : {n}\nphysical id : 0\ncore id : {n // 2}\n\n" for n in range(4))
    (tmp_path / "cpuinfo").write_text(listed, "utf-8")
    assert num_physical_cores(tmp_path / "cpuinfo") <= 2
    assert num_physical_cores(tmp_path / "none") >= 1


def test_the_end_token_of_the_tests_is_the_models_own(model):
    assert tiny_model().config.end_tokens == (END,)
    assert EngineOptions().limits.max_batched_tokens == 512
