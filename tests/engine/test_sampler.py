"""The sampler draws what the probabilities say, and nothing that is forbidden."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_engine.errors import EngineError
from reference_engine.sampler import Sampling, choose_token

NUM_DRAWS = 20_000
TOLERANCE = 0.02  # five standard deviations of a share among so many draws: 5 * sqrt(0.25 / 20000)
rows = st.lists(st.integers(-40, 40), min_size=1, max_size=12).map(lambda tenths: np.array(tenths, np.float32) / 10)


def draws(logits, sampling):
    generator = sampling.generator(0)
    return [choose_token(logits, sampling, generator=generator) for _ in range(NUM_DRAWS)]


def softmax(logits, temperature):
    weights = [np.exp(float(logit) / temperature) for logit in logits]
    return [weight / sum(weights) for weight in weights]


def nucleus(probabilities, top_p):
    """The definition, token by token."""
    kept, mass = [], 0.0
    for token in sorted(range(len(probabilities)), key=lambda token: (-probabilities[token], token)):
        kept.append(token)
        mass += probabilities[token]
        if mass >= top_p - 1e-12:
            break
    return kept


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_shares_of_draws_are_the_softmax(temperature):
    logits = np.array([1.0, -np.inf, 0.0, 2.0, -1.0], np.float32)
    shares = np.bincount(draws(logits, Sampling(temperature)), minlength=5) / NUM_DRAWS
    np.testing.assert_allclose(shares, softmax(logits, temperature), atol=TOLERANCE)
    assert shares[1] == 0


def test_a_nucleus_keeps_the_proportions_of_what_it_keeps():
    logits = np.log(np.array([0.1, 0.4, 0.2, 0.3], np.float32))
    shares = np.bincount(draws(logits, Sampling(1.0, top_p=0.65)), minlength=4) / NUM_DRAWS
    np.testing.assert_allclose(shares, [0, 4 / 7, 0, 3 / 7], atol=TOLERANCE)


@given(logits=rows, top_p=st.integers(1, 99).map(lambda percent: percent / 100), seed=st.integers(0, 5))
@settings(max_examples=200)
def test_only_tokens_of_the_nucleus_are_drawn(logits, top_p, seed):
    sampling = Sampling(1.0, top_p, seed)
    kept = nucleus(softmax(logits, 1.0), min(top_p + 1e-6, 1.0))  # the border may fall either way
    generator = sampling.generator(1)
    assert {choose_token(logits, sampling, generator=generator) for _ in range(20)} <= set(kept)


@given(logits=rows)
def test_greedy_takes_the_lowest_of_the_largest(logits):
    best = choose_token(logits, Sampling(), generator=Sampling().generator(0))
    assert best == min(token for token in range(len(logits)) if logits[token] == max(logits))


def test_what_a_thread_draws_depends_on_seed_and_thread_alone():
    logits = np.zeros(1000, np.float32)

    def drawn(seed, thread):
        generator = Sampling(1.0, seed=seed).generator(thread)
        return [choose_token(logits, Sampling(1.0), generator=generator) for _ in range(8)]

    assert drawn(3, 1) == drawn(3, 1)
    assert len({tuple(drawn(seed, thread)) for seed in range(3) for thread in range(3)}) == 9


def test_a_tiny_temperature_is_greedy():
    logits = np.array([0.0, 1.0, 0.5], np.float32)
    assert set(draws(logits, Sampling(1e-6))[:100]) == {1}


def test_a_row_without_a_token_is_refused():
    with pytest.raises(EngineError, match="no probability to any token"):
        choose_token(np.full(4, -np.inf, np.float32), Sampling(), generator=Sampling().generator(0))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"temperature": -1}, "the temperature is 0 (the likeliest token) or more, found -1"),
        ({"temperature": float("nan")}, "the temperature is 0 (the likeliest token) or more, found nan"),
        ({"top_p": 0}, "top-p is a share above 0 and at most 1, found 0"),
        ({"top_p": 1.5}, "top-p is a share above 0 and at most 1, found 1.5"),
        ({"seed": -1}, "a seed is not negative, found -1"),
    ],
)
def test_values_that_mean_nothing_are_refused(values, message):
    with pytest.raises(EngineError) as caught:
        Sampling(**values)
    assert str(caught.value) == message
