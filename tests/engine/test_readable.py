"""The readable step against transformers' own models: every family, prompts and decoding, slots that lie anywhere."""

from collections.abc import Sequence

import pytest
import torch

from reference_engine.model import Model, random_model
from reference_engine.pool.storage import KvStorage
from reference_engine.step.batch import StepBatch
from reference_engine.step.readable import readable_step
from tests.support.engine_models import FAMILIES, our_model, tiny_config, twins
from tests.support.engine_plain_forward import plain_logits

TOLERANCE = 2e-5  # float32: the two sum in different orders over a few dozen numbers
NUM_TOKENS, NUM_SLOTS = 40, 64


def random_sequence(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return tokens, positions with jumps ahead and back, and slots in no order."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(0, 97, (NUM_TOKENS,), generator=generator)
    jumps = torch.randint(0, 4, (NUM_TOKENS,), generator=generator)
    slots = torch.randperm(NUM_SLOTS, generator=generator)[:NUM_TOKENS]
    return tokens, jumps.cumsum(0), slots


def random_visibility(seed: int) -> torch.Tensor:
    """Return a causal matrix with holes in it; each token sees itself."""
    generator = torch.Generator().manual_seed(seed)
    visible = torch.rand(NUM_TOKENS, NUM_TOKENS, generator=generator) < 0.7
    return visible.tril() | torch.eye(NUM_TOKENS, dtype=torch.bool)


def decode(
    model: Model,
    tokens: torch.Tensor,
    positions: torch.Tensor,
    slots: torch.Tensor,
    visible: torch.Tensor,
    *,
    sizes: Sequence[int] = (NUM_TOKENS,),
) -> torch.Tensor:
    """Feed a sequence in steps of some sizes; return all its logits."""
    storage = KvStorage.allocate(model.config, NUM_SLOTS, dtype=model.dtype)
    slot_positions, logits, start = torch.zeros(NUM_SLOTS, dtype=torch.int64), [], 0
    for size in sizes:
        rows = slice(start, start + size)
        slot_positions[slots[rows]] = positions[rows]
        sees = torch.zeros(size, NUM_SLOTS, dtype=torch.bool)
        sees[:, slots] = visible[rows]
        outputs = torch.arange(size)
        batch = StepBatch(tokens[rows], positions[rows], slots[rows], sees, slot_positions.clone(), outputs, (size,))
        logits.append(readable_step(model, storage, batch))
        start += size
    return torch.cat(logits)


@pytest.mark.parametrize("family", FAMILIES)
def test_prefill_and_decode_equal_one_plain_forward_pass(family):
    ours, theirs = twins(family)
    tokens, positions, slots = random_sequence(1)
    causal = torch.ones(NUM_TOKENS, NUM_TOKENS, dtype=torch.bool).tril()
    logits = decode(ours, tokens, positions, slots, causal, sizes=[25, 4] + [1] * 11)
    expected = plain_logits(theirs, tokens, positions, causal)
    assert (logits - expected).abs().max() < TOLERANCE


@pytest.mark.parametrize("family", FAMILIES)
def test_any_visibility_equals_one_plain_forward_pass(family):
    ours, theirs = twins(family)
    tokens, positions, slots = random_sequence(2)
    visible = random_visibility(3)
    logits = decode(ours, tokens, positions, slots, visible, sizes=[10, 1, 1, 7, 1, 20])
    assert (logits - plain_logits(theirs, tokens, positions, visible)).abs().max() < TOLERANCE


@pytest.mark.parametrize("family", FAMILIES)
def test_the_oracle_agrees_with_what_transformers_does_by_itself(family):
    """Its own causal mask and windows, from no mask at all: so the explicit masks of the oracle are those."""
    _ours, theirs = twins(family)
    tokens, _, _ = random_sequence(4)
    with torch.no_grad():
        expected = theirs(input_ids=tokens[None]).logits[0]
    causal = torch.ones(NUM_TOKENS, NUM_TOKENS, dtype=torch.bool).tril()
    logits = plain_logits(theirs, tokens, torch.arange(NUM_TOKENS), causal)
    assert (logits - expected).abs().max() < TOLERANCE


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("mistral", {"sliding_window": None, "layer_is_sliding": ()}),
        ("qwen2", {"sliding_window": None, "layer_is_sliding": ()}),
        ("gemma2", {"sliding_window": 1000}),
        ("gemma2", {"attention_softcap": None}),
        ("gemma2", {"logit_softcap": None}),
        ("gemma2", {"attention_scale": None}),
        ("gemma3", {"sliding_window": 1000}),
        ("gemma3", {"attention_scale": None}),
        ("gemma3", {"sliding_rope_theta": None}),
        ("gemma3", {"rope_scaling": None}),
        ("llama3", {"rope_scaling": None}),
        ("gemma", {"embedding_scale": 1.0}),
    ],
)
def test_each_particular_of_a_family_is_active_in_its_tiny_model(family, changes):
    """Otherwise the tests above would pass without it. The weights are drawn alike, so only the particular differs."""
    tokens, positions, slots = random_sequence(5)
    causal = torch.ones(NUM_TOKENS, NUM_TOKENS, dtype=torch.bool).tril()
    config, with_it = tiny_config(family, **changes), our_model(tiny_config(family))
    without = Model(name="without", config=config, weights=with_it.weights)
    left, right = (decode(model, tokens, positions, slots, causal) for model in (with_it, without))
    assert (left - right).abs().max() > 1000 * TOLERANCE


def test_only_the_wanted_rows_have_logits():
    model = our_model(tiny_config("llama"))
    tokens, positions, slots = random_sequence(6)
    storage = KvStorage.allocate(model.config, NUM_SLOTS, dtype=torch.float32)
    visible = torch.zeros(NUM_TOKENS, NUM_SLOTS, dtype=torch.bool)
    visible[:, slots] = torch.ones(NUM_TOKENS, NUM_TOKENS, dtype=torch.bool).tril()
    slot_positions = torch.zeros(NUM_SLOTS, dtype=torch.int64)
    every, few, none = (
        readable_step(
            model, storage, StepBatch(tokens, positions, slots, visible, slot_positions, outputs, (NUM_TOKENS,))
        )
        for outputs in (torch.arange(NUM_TOKENS), torch.tensor([3, 39]), torch.tensor([], dtype=torch.int64))
    )
    assert (few - every[[3, 39]]).abs().max() < TOLERANCE
    assert none.shape == (0, model.config.vocabulary_size)


def test_a_bfloat16_model_computes_in_bfloat16_and_returns_float32():
    config = tiny_config("gemma3")
    narrow = random_model(config, generator=torch.Generator().manual_seed(1), dtype=torch.bfloat16)
    tokens, positions, slots = random_sequence(7)
    causal = torch.ones(NUM_TOKENS, NUM_TOKENS, dtype=torch.bool).tril()
    logits = decode(narrow, tokens, positions, slots, causal, sizes=[20, 20])
    assert logits.dtype == torch.float32
    assert bool(logits.isfinite().all())
