"""The adapters keep streams valid, each against the interface that its engine publishes; no engine is started here."""

from enum import Enum
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grammar import is_valid
from pasta_toolkit.mask import ConstraintError
from pasta_toolkit.mask.adapters import StreamTracker
from pasta_toolkit.mask.adapters.llama_cpp import PastaLlamaProcessor
from pasta_toolkit.mask.adapters.sglang import PastaLogitProcessor
from pasta_toolkit.mask.adapters.transformers import PastaLogitsProcessor
from pasta_toolkit.mask.adapters.vllm import STREAM_ARGUMENT, RequestProcessor, batch_processor_class
from tests.support.mask_vocabularies import real_mask, smollm2_encoder

torch = pytest.importorskip("torch", reason="torch is not installed")
MASK = real_mask("smollm2")
END = MASK.vocabulary.ends[0]
NUM_STEPS = 40


def random_row(rng: np.random.Generator) -> Any:
    row = torch.from_numpy(rng.normal(size=MASK.vocabulary.num_logits).astype(np.float32))
    for token in smollm2_encoder()('<promise topic=" </async>') + smollm2_encoder()(" <sync/>"):
        row[token] += 6 * float(rng.random())
    return row


def text_of(ids: list[int]) -> bytes:
    return b"".join(MASK.vocabulary.tokens[token] for token in ids)


def assert_viable(ids: list[int], stream: str = "main") -> None:
    constraint = MASK.start(stream)
    for token in ids:
        constraint.advance(token)


def test_transformers_rows_are_streams_of_their_own() -> None:
    processor, rng = PastaLogitsProcessor(MASK), np.random.default_rng(0)
    ids = torch.tensor([[7, 8, 9], [7, 8, 9]])
    for _ in range(NUM_STEPS):
        scores = processor(ids, torch.stack([random_row(rng), random_row(rng)]))
        ids = torch.cat([ids, scores.argmax(dim=-1, keepdim=True)], dim=1)
    for row in ids[:, 3:].tolist():
        assert_viable(row)


def test_llama_cpp_sees_the_prompt_first() -> None:
    processor, rng = PastaLlamaProcessor(MASK, stream="branch"), np.random.default_rng(1)
    ids = [5, 6]
    for _ in range(NUM_STEPS):
        scores = processor(np.array(ids), random_row(rng).numpy())
        ids.append(int(scores.argmax()))
    written = ids[2:]
    if END in written:
        assert is_valid(text_of(written[: written.index(END)]).decode(), form="branch")
    else:
        assert_viable(written, "branch")


class Direction(Enum):
    UNIDIRECTIONAL = 0
    SWAP = 1


def update(added: Any = (), removed: Any = (), moved: Any = ()) -> SimpleNamespace:
    return SimpleNamespace(added=added, removed=removed, moved=moved)


def test_vllm_follows_its_batch() -> None:
    cls = batch_processor_class(MASK, base=object)
    processor, rng = cls(None, "cpu", False), np.random.default_rng(2)
    asked = SimpleNamespace(extra_args={STREAM_ARGUMENT: "main"})
    not_asked = SimpleNamespace(extra_args=None)
    first: list[int] = []
    second: list[int] = []
    processor.update_state(update(added=[(0, asked, [1], first), (1, not_asked, [1], second)]))
    for step in range(NUM_STEPS):
        if step == 10:
            processor.update_state(update(moved=[(0, 1, Direction.SWAP)]))
        place = 0 if step < 10 else 1
        logits = torch.stack([random_row(rng), random_row(rng)])
        untouched = logits[1 - place].clone()
        masked = processor.apply(logits)
        assert torch.equal(masked[1 - place], untouched)
        first.append(int(masked[place].argmax()))
    assert_viable(first)
    processor.update_state(update(removed=[1]))
    assert not processor.rows
    processor.update_state(None)
    assert not processor.is_argmax_invariant()
    with pytest.raises(ValueError, match="must be one of main, branch, not 'response'"):
        cls.validate_params(SimpleNamespace(extra_args={STREAM_ARGUMENT: "response"}))


def test_vllm_takes_one_requests_processor() -> None:
    processor, rng, written = RequestProcessor(MASK), np.random.default_rng(3), []
    for _ in range(NUM_STEPS):
        written.append(int(processor(written, random_row(rng)).argmax()))
    assert_viable(written)


def test_sglang_masks_the_requests_that_ask(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    request = SimpleNamespace(output_ids=[])
    parameters = [{"pasta_tokenizer": "smollm2", "__req__": request}, None]
    rng = np.random.default_rng(4)
    for _ in range(NUM_STEPS):
        logits = torch.stack([random_row(rng), random_row(rng)])
        untouched = logits[1].clone()
        masked = PastaLogitProcessor()(logits, parameters)
        assert torch.equal(masked[1], untouched)
        request.output_ids.append(int(masked[0].argmax()))
    assert_viable(request.output_ids)


def test_a_tracker_takes_back_what_the_engine_dropped() -> None:
    tracker, tokens = StreamTracker(MASK), smollm2_encoder()("one two three")
    state = tracker.update(tokens[:1]).state
    tracker.update(tokens)
    assert tracker.update([tokens[0], *smollm2_encoder()(" <")]).state != state
    assert tracker.update(tokens[:1]).state == state
    assert tracker.update([*tokens, END, END, 17]).is_finished
    with pytest.raises(ConstraintError, match="is not legal here"):
        StreamTracker(MASK).update(smollm2_encoder()("<sync/>"))
