import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.arrivals import ArrivalError, arrival_times_ns, unit_gaps
from simulator.prefix_cache import PrefixCache, PromptPrefix
from simulator.trace_files import RecordedRequest, TraceFileError, read_recorded

SHARED = Path(__file__).parents[3] / "shared" / "data" / "traces"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded loads are not here")


@pytest.mark.parametrize(("process", "variation"), [("even", 0.0), ("poisson", 1.0), ("bursts", 4.0)])
def test_gaps_have_mean_one_and_the_variation_of_their_process(process, variation):
    """20,000 gaps: three standard errors of the mean are 0.02 x the coefficient of variation, of the variance more."""
    gaps = unit_gaps(process, 20_000, generator=random.Random(1))
    mean = sum(gaps) / len(gaps)
    assert abs(mean - 1) < 0.05
    assert abs(sum((gap - mean) ** 2 for gap in gaps) / len(gaps) - variation) < 0.1 * variation + 1e-9


@given(st.lists(st.floats(0, 10), min_size=1), st.floats(0.01, 100))
def test_a_higher_rate_stretches_the_same_arrivals(gaps, rate):
    times = arrival_times_ns(gaps, rate_per_s=rate)
    doubled = arrival_times_ns(gaps, rate_per_s=2 * rate)
    assert times == sorted(times)
    assert all(abs(slow - 2 * fast) <= 2 + slow * 1e-9 for slow, fast in zip(times, doubled, strict=True))


def test_same_seed_same_gaps():
    first, second = (unit_gaps("bursts", 50, generator=random.Random(7)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: unit_gaps("tides", 3, generator=random.Random()), "no arrival process 'tides': choose from bursts,"),
        (lambda: unit_gaps("even", 0, generator=random.Random()), "a workload has at least 1 request, found 0"),
        (lambda: unit_gaps("bursts", 3, generator=random.Random(), burstiness=0), "burstiness of arrivals must be pos"),
        (lambda: arrival_times_ns([1.0], rate_per_s=-2), "the arrival rate must be positive, found -2"),
        (lambda: arrival_times_ns([1.0], rate_per_s=float("nan")), "the arrival rate must be positive, found nan"),
    ],
)
def test_impossible_arrivals_are_refused_in_one_sentence(make, message):
    with pytest.raises(ArrivalError, match=message):
        make()


FILES = {
    "azure.csv": "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "2023-11-16 18:15:46.5000000,9,4\n2023-11-16 18:15:47.7500000,8,3\n",
    "mooncake.jsonl": "\n".join(
        json.dumps({"timestamp": ms, "input_length": size, "output_length": out, "hash_ids": [1, 2]})
        for ms, size, out in ((0, 9, 4), (1250, 8, 3))
    ),
    "vllm.csv": "request_id,input_toks,output_toks,queued_s\na,9,4,0.5\nb,8,3,1.75\n",
    "vllm.jsonl": '{"input_toks": 9, "output_toks": 4, "queued_ts": 7.5}\n'
    '{"input_toks": 8, "output_toks": 3, "queued_ts": 8.75}\n',
    "own.csv": "arrival_s,prompt_tokens,output_tokens\n1.25,8,3\n0,9,4\n",
    "lengths.csv": "timestamp_ms,input_length,output_length,prefix_hit_blocks,blocks\n0,9,4,0,1\n1250,8,3,0,1\n",
}


@pytest.mark.parametrize("name", FILES)
def test_each_format_gives_the_same_load(tmp_path, name):
    (tmp_path / name).write_text(FILES[name], encoding="utf-8")
    found = read_recorded(tmp_path / name)
    assert [(r.at_ns, r.prompt_tokens, r.output_tokens) for r in found] == [(0, 9, 4), (1_250_000_000, 8, 3)]
    assert len(read_recorded(tmp_path / name, limit=1)) == 1


def test_a_log_says_when_its_requests_ended(tmp_path):
    ends = "request_id,input_toks,output_toks,queued_s,first_token_s,last_token_s\na,9,4,2,2.5,4\n"
    (tmp_path / "log.csv").write_text(ends, encoding="utf-8")
    (found,) = read_recorded(tmp_path / "log.csv")
    assert (found.at_ns, found.first_token_ns, found.completion_ns) == (0, 500_000_000, 2_000_000_000)
    assert found.decode_ns == 1_500_000_000
    assert RecordedRequest(0, 1, 1).decode_ns is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no request"),
        ("arrival_s,prompt_tokens,output_tokens\n", "holds no request"),
        ("a,b\n1,2\n", "has columns a, b; known are: TIMESTAMP"),
        ("arrival_s,prompt_tokens,output_tokens\n0,x,1\n", "line 2: invalid literal"),
        ("arrival_s,prompt_tokens,output_tokens\n0,0,1\n", "a prompt has at least 1 token and an answer at least 0"),
    ],
)
def test_a_broken_load_file_is_refused_in_one_sentence(tmp_path, text, message):
    path = tmp_path / "load.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TraceFileError, match=message):
        read_recorded(path)


def test_a_missing_load_file_is_refused(tmp_path):
    with pytest.raises(TraceFileError, match="no load file"):
        read_recorded(tmp_path / "none.csv")


@needs_shared
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("azure_llm_2023_code.csv", 8_819),
        ("mooncake_fast25_conversation_lengths.csv", 12_031),
        ("mooncake_fast25_synthetic.jsonl", 3_993),
        ("vllm019_rtx4090_llama31_8b_requests.csv", 300),
    ],
)
def test_real_loads_are_read_whole(name, rows):
    found = read_recorded(SHARED / name)
    assert len(found) == rows
    assert found[0].at_ns == 0


@needs_shared
def test_prefix_hits_of_an_unbounded_cache_are_those_of_the_published_synthetic_trace():
    """An independent count: leading blocks seen before, in order of arrival."""
    cache, seen, expected, found = PrefixCache(), set(), [], []
    for request in read_recorded(SHARED / "mooncake_fast25_synthetic.jsonl", limit=500):
        hits = 0
        while hits < len(request.block_hashes) and request.block_hashes[hits] in seen:
            hits += 1
        seen.update(request.block_hashes)
        expected.append(min(hits * 512, request.prompt_tokens - 1))
        found.append(cache.hit_tokens(request.prefix, request.prompt_tokens))
        cache.remember(request.prefix)
    assert found == expected
    assert sum(found) > 0


def test_a_full_prefix_cache_forgets_the_least_recently_used_and_keeps_prefixes():
    cache = PrefixCache(capacity_tokens=30)
    first, second = PromptPrefix((1, 2), 10), PromptPrefix((7, 8), 10)
    assert cache.hit_tokens(first, 25) == 0
    cache.remember(first)
    cache.remember(first)
    assert cache.hit_tokens(first, 25) == 20
    cache.remember(second)  # forgets block 2, the older end of the first prompt
    assert cache.hit_tokens(first, 25) == 10
    assert cache.hit_tokens(first, 5) == 4  # the last token is fed


def test_impossible_blocks_and_caches_are_refused():
    with pytest.raises(ValueError, match="at least 1 token"):
        PromptPrefix((1,), 0)
    with pytest.raises(ValueError, match="at least 0 tokens"):
        PrefixCache(capacity_tokens=-1)
