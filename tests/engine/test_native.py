"""The native step equals the readable one, on every instruction set that this machine has, for steps of any form."""

from dataclasses import replace
from functools import cache, partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar import parse
from pasta_toolkit.runtime import Limits, position_policy
from reference_engine import Engine, EngineOptions
from reference_engine.errors import EngineError
from reference_engine.forced import ForcedDecoder, forced_answer
from reference_engine.loop import Job
from reference_engine.native import build
from reference_engine.native.native_step import NativeStep
from reference_engine.pool.storage import KvStorage
from reference_engine.step.choice import choose_step
from reference_engine.step.readable import readable_step
from tests.support.cpu_steps import NUM_SLOTS, as_type, copied_run, logits_of, scattered_run, step_sizes
from tests.support.engine_models import VOCABULARY, our_model, tiny_config
from tests.support.engine_runs import LAYOUTS, loop_for, run_forced
from tests.support.engine_serial import byte_tokens
from tests.support.native_steps import AVAILABLE, FAMILIES, large_step, needs_native, read_pool

pytestmark = needs_native

FEW = settings(max_examples=4, deadline=None)
# Of the readable step's own mean error in bfloat16, against the same weights in float32.
MOST_ERROR = {16: 1.0, 8: 8.0}
RUNS = [[5, 3], [1] * 6, [4], [1, 2, 3], [1, 1], [1] * 5]


@cache
def models(family, **changes):
    """A tiny model in bfloat16, and the same numbers in float32."""
    narrow = as_type(our_model(tiny_config(family, **changes)), torch.bfloat16)
    return narrow, as_type(narrow, torch.float32)


@cache
def native_step(family, instructions, weight_bits=16, num_threads=2, **changes):
    narrow, _ = models(family, **changes)
    return NativeStep(narrow, instructions=instructions, weight_bits=weight_bits, num_threads=num_threads)


def mean_errors(step, family, runs, **changes):
    """The step's mean error, and that of the readable step in bfloat16; and the share of equal argmaxes."""
    narrow, wide = models(family, **changes)
    ours = torch.cat([logits_of(step, narrow, run)[0] for run in runs])
    readable = torch.cat([logits_of(partial(readable_step, narrow), narrow, run)[0] for run in runs])
    exact = torch.cat([logits_of(partial(readable_step, wide), wide, run)[0] for run in runs])
    agreement = (ours.argmax(-1) == exact.argmax(-1)).float().mean()
    return float((ours - exact).abs().mean()), float((readable - exact).abs().mean()), float(agreement)


@pytest.mark.parametrize("weight_bits", [16, 8])
@pytest.mark.parametrize("instructions", AVAILABLE)
@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_as_near_to_float32_as_they_can_be(family, instructions, weight_bits):
    step = native_step(family, instructions, weight_bits)
    runs = [make_run(RUNS, seed) for make_run in (scattered_run, copied_run) for seed in range(3)]
    ours, readable, agreement = mean_errors(step, family, runs)
    assert ours < MOST_ERROR[weight_bits] * readable
    assert agreement > 0.9


@pytest.mark.parametrize("head_dim", [32, 64, 96, 128, 256])
@pytest.mark.parametrize("instructions", AVAILABLE)
def test_every_size_of_head(instructions, head_dim):
    step = native_step("qwen3", instructions, head_dim=head_dim)
    ours, readable, _ = mean_errors(step, "qwen3", [scattered_run(RUNS, seed) for seed in range(3)], head_dim=head_dim)
    assert ours < readable


@pytest.mark.parametrize("instructions", AVAILABLE)
@given(sizes=step_sizes, seed=st.integers(0, 2**31))
@FEW
def test_the_pool_holds_what_the_readable_step_writes(instructions, sizes, seed):
    run = scattered_run(sizes, seed)
    narrow, wide = models("llama")
    logits, entries = logits_of(native_step("llama", instructions), narrow, run)
    exact, exact_entries = logits_of(partial(readable_step, wide), wide, run)
    assert logits.shape == exact.shape
    torch.testing.assert_close(logits, exact, atol=0.5, rtol=0)  # of logits up to 40
    torch.testing.assert_close(entries.float(), exact_entries, atol=0.1, rtol=0)
    written = torch.cat([batch.slots for batch in run.steps])
    untouched = torch.ones(NUM_SLOTS, dtype=torch.bool).index_fill(0, written, False)
    assert not entries[:, untouched].any()


@pytest.mark.parametrize("num_kv_heads", [1, 2, 6])
@pytest.mark.parametrize("instructions", AVAILABLE)
@pytest.mark.parametrize(
    ("lane_rows", "num_slots", "seen_share"),
    [
        ((1,), 4096, 0.9),
        ((1,), 4096, 0.01),
        ((1,) * 7, 1024, 0.2),
        ((1,) * 16, 300, 0.5),
        ((1,) * 17, 300, 0.03),
        ((1,) * 64, 2048, 0.1),
        ((40, 1, 1, 13, 1), 512, 0.3),
        ((257,), 512, 0.2),
    ],
)
def test_many_lanes_and_long_contexts(instructions, num_kv_heads, lane_rows, num_slots, seen_share):
    changes = {"head_dim": 32, "num_kv_heads": num_kv_heads, "num_layers": 2}
    narrow, wide = models("llama", **changes)
    batch = large_step(lane_rows, num_slots=num_slots, seen_share=seen_share, seed=num_slots)
    pools = [read_pool(narrow.config, num_slots, dtype=dtype, seed=5) for dtype in (torch.bfloat16, torch.float32)]
    ours = native_step("llama", instructions, **changes)(pools[0], batch)
    exact = readable_step(wide, pools[1], batch)
    assert (ours - exact).abs().mean() < 0.05
    assert (ours.argmax(-1) == exact.argmax(-1)).float().mean() > 0.9


@pytest.mark.parametrize("instructions", AVAILABLE)
def test_threads_share_the_work_and_change_nothing_but_the_order_of_sums(instructions):
    narrow, _ = models("llama", head_dim=32)
    batches = [
        large_step(rows, num_slots=700, seen_share=0.4, seed=3) for rows in ((1,), (1,) * 5, (1,) * 40, (30, 1, 1))
    ]
    found = {}
    for num_threads in (1, 2, 3, 7):
        step = native_step("llama", instructions, num_threads=num_threads, head_dim=32)
        for repetition in range(2):
            pool = read_pool(narrow.config, 700, dtype=torch.bfloat16, seed=7)
            found[num_threads, repetition] = torch.cat([step(pool, batch) for batch in batches])
        assert torch.equal(found[num_threads, 0], found[num_threads, 1])
        torch.testing.assert_close(found[num_threads, 0], found[1, 0], atol=0.3, rtol=0)


def test_a_step_that_nobody_decodes_in_has_no_logits():
    narrow, _ = models("llama")
    batch = replace(scattered_run([[4]], 1).steps[0], outputs=torch.zeros(0, dtype=torch.int64))
    storage = KvStorage.allocate(narrow.config, NUM_SLOTS, dtype=torch.bfloat16)
    assert native_step("llama", AVAILABLE[0])(storage, batch).shape == (0, VOCABULARY)
    assert storage.entries[:, batch.slots].abs().amax(dim=(0, 2, 3)).min() > 0


DOCUMENT = parse(
    'Why? <promise topic="heat" tokens="20"/><promise topic="cold" tokens="10"/>and <async>It is hot.</async>'
    '<async>It is not.</async><sync/> So <promise topic="end" tokens="10"/><async>Done, all.</async>'
)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("positions", ["predicted", "fixed:50", "oracle", "shared"])
def test_requests_that_reuse_a_small_pool_get_the_logits_of_the_readable_step(layout, positions):
    narrow, wide = models("llama", head_dim=32)
    native = native_step("llama", AVAILABLE[0], head_dim=32)
    prompt = byte_tokens("What are the causes?", VOCABULARY)
    answer = forced_answer(DOCUMENT, partial(byte_tokens, vocabulary=VOCABULARY))
    kept = []
    for model, step in ((narrow, lambda _, storage, batch: native(storage, batch)), (wide, readable_step)):
        slots = 3 * 2048 if layout == "copied" else 440  # rows of one request; two requests
        options = {"positions": position_policy(positions), "limits": Limits(max_requests=2)}
        loop = loop_for(model, layout=layout, num_slots=slots, step=step, **options)
        recordings, decoders = run_forced(loop, [(f"request {number}", prompt, answer) for number in range(4)])
        assert [recording.error for recording in recordings] == [None] * 4
        assert loop.pool.num_free == loop.pool.num_slots
        kept.append([one for decoder in decoders.values() for one in sorted(decoder.kept, key=lambda one: one[:2])])
    assert [one[:2] for one in kept[0]] == [one[:2] for one in kept[1]]
    ours, exact = (torch.stack([logits for _, _, logits in some]) for some in kept)
    assert (ours - exact).abs().mean() < 0.05
    assert (ours.argmax(-1) == exact.argmax(-1)).float().mean() > 0.9


def test_the_engine_decodes_with_it():
    narrow, _ = models("llama")
    engine = Engine(narrow, options=EngineOptions(step="native"))
    answer = forced_answer(DOCUMENT, partial(byte_tokens, vocabulary=VOCABULARY))
    (recording,) = engine.decode([Job("job", ForcedDecoder(byte_tokens("What?", VOCABULARY), answer))])
    assert engine.step_sentence.startswith("native step")
    assert recording.error is None
    assert recording.script == answer.script


def test_a_pool_of_another_type_is_refused():
    narrow, _ = models("llama")
    storage = KvStorage.allocate(narrow.config, NUM_SLOTS, dtype=torch.float32)
    with pytest.raises(EngineError, match=r"a KV pool of torch\.float32 does not fit the native step"):
        native_step("llama", AVAILABLE[0])(storage, scattered_run([[1]], 1).steps[0])
    assert not storage.entries.any()


def test_a_model_that_it_does_not_run_gets_the_torch_step_and_a_line_says_why():
    gemma = as_type(our_model(tiny_config("gemma")), torch.bfloat16)
    assert choose_step(gemma, kind="native")[1].endswith(
        "(the native step runs llama, mistral, qwen2, qwen3 and no gemma)"
    )
    _, wide = models("llama")
    sentence = choose_step(wide, kind="native-int8")[1]
    assert sentence.startswith("CPU step: float32")
    assert sentence.endswith("(the native step needs bfloat16 weights on the CPU, found torch.float32 on cpu)")
    odd, _ = models("llama", head_dim=80)
    assert "no attention for heads of 80 numbers" in choose_step(odd, kind="native")[1]


def test_it_is_what_bfloat16_on_a_processor_gets_where_nothing_is_asked_for():
    narrow, wide = models("llama")
    assert choose_step(narrow)[1].startswith("native step: one call a step, bfloat16 weights, ")
    assert choose_step(wide)[1].startswith("CPU step: float32")
    gemma = as_type(our_model(tiny_config("gemma")), torch.bfloat16)
    assert choose_step(gemma)[1].startswith("CPU step: bfloat16")


def test_a_sentence_says_which_native_step_runs():
    narrow, _ = models("llama")
    _, sentence = choose_step(narrow, kind="native-int8")
    assert sentence.startswith("native step: one call a step, 8-bit weights, a scale a row, ")


@pytest.fixture
def fresh_build(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_without_a_compiler_the_torch_step_runs(fresh_build, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    sentence = choose_step(models("llama")[0], kind="native")[1]
    assert sentence.endswith(
        "(the native step is compiled at first use, and CXX names 'no-such-compiler', which is not installed)"
    )
    monkeypatch.delenv("CXX")
    monkeypatch.setattr(build, "COMPILERS", ("no-such-compiler",))
    assert "and none of no-such-compiler is installed" in choose_step(models("llama")[0], kind="native")[1]
    assert not list(fresh_build.rglob("*.so"))


def test_what_a_compiler_complains_of_is_said(fresh_build, monkeypatch):
    monkeypatch.setattr(build, "COMMON_FLAGS", ("--no-such-flag",))
    with pytest.raises(EngineError, match=r"cannot compile the native step: .*no-such-flag"):
        build.build_library("avx2")
    assert not list(fresh_build.rglob("*.so"))


def test_a_cache_that_cannot_be_written_is_said(fresh_build, monkeypatch):
    (fresh_build / "pasta-toolkit").write_text("in the way")
    with pytest.raises(EngineError, match="cannot write the native step's library"):
        build.build_library("avx2")


def test_a_library_is_compiled_once(fresh_build, monkeypatch):
    told = []
    first = build.build_library("avx2", report=told.append)
    assert told == ["compiling the native step for this processor, once; it takes about ten seconds"]
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert build.build_library("avx2", report=told.append) == first
    assert len(told) == 1
    assert [path.name for path in fresh_build.rglob("*.so")] == [first.name]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fma avx2 avx512f avx512bw avx512dq avx512vl avx512_bf16 amx_tile amx_bf16 amx_int8", "amx"),
        ("fma avx2 avx512f avx512bw avx512dq avx512vl avx512_bf16 amx_tile", "avx512"),
        ("fma avx2 avx512f", "avx2"),
    ],
)
def test_the_fastest_instructions_of_a_processor(tmp_path, flags, expected):
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags\t\t: {flags}\n")
    assert build.instruction_set(tmp_path / "cpuinfo") == expected


def test_processors_that_cannot_run_it(tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text("flags : sse2\n")
    with pytest.raises(EngineError, match="needs a processor with AVX2"):
        build.instruction_set(tmp_path / "cpuinfo")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(EngineError, match="needs Linux on an x86 processor"):
        build.instruction_set(tmp_path / "cpuinfo")
