"""The adapters keep streams valid, each against the interface that its engine publishes; no server is started here."""

import array
import inspect
import weakref
from enum import Enum
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from grammar import is_valid, parse
from pasta_toolkit.mask import ConstraintError, Limits, compile_limited_mask
from pasta_toolkit.mask.adapters import StreamTracker
from pasta_toolkit.mask.adapters.llama_cpp import PastaLlamaProcessor
from pasta_toolkit.mask.adapters.sglang import PastaLogitProcessor
from pasta_toolkit.mask.adapters.transformers import PastaLogitsProcessor
from pasta_toolkit.mask.adapters.vllm import STREAM_ARGUMENT, processor_class
from pasta_toolkit.mask.adapters.vllm_v1 import batch_processor_class
from tests.support.mask_servers import SglangInterface, VllmInterface, VllmOlderInterface, published_class
from tests.support.mask_vocabularies import real_mask, smollm2_encoder

MASK = real_mask("smollm2")
END = MASK.vocabulary.ends[0]
NUM_STEPS = 40
WHERE = ["as written down", "as installed"]
WRITTEN_DOWN = {"vllm": VllmInterface, "vllm_v1": VllmOlderInterface, "sglang": SglangInterface}
ASKED = SimpleNamespace(extra_args={STREAM_ARGUMENT: "main"})
NOT_ASKED = SimpleNamespace(extra_args=None)


def interface(name: str, where: str, monkeypatch: pytest.MonkeyPatch) -> type:
    return published_class(name, monkeypatch) if where == "as installed" else WRITTEN_DOWN[name]


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


@pytest.mark.parametrize("name", WRITTEN_DOWN)
def test_what_is_written_down_is_what_is_published(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    published = published_class(name, monkeypatch)
    methods = [method for method in vars(WRITTEN_DOWN[name]) if callable(getattr(published, method, None))]
    for method in methods:
        ours, theirs = (inspect.signature(getattr(kind, method)).parameters for kind in (WRITTEN_DOWN[name], published))
        assert list(ours) == list(theirs), method
    assert published.__abstractmethods__ == WRITTEN_DOWN[name].__abstractmethods__


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


class VllmRunner:
    """The buffers of vLLM's model runner V2 that processors read, and one step's layout."""

    PROMPT = 3

    def __init__(self, num_slots: int) -> None:
        self.tokens = torch.zeros((num_slots, 100), dtype=torch.int32)
        self.totals = [self.PROMPT] * num_slots
        self.states = SimpleNamespace(
            all_token_ids=SimpleNamespace(gpu=self.tokens),
            prompt_len=SimpleNamespace(np=np.full(num_slots, self.PROMPT, dtype=np.int32)),
        )

    def commit(self, slot: int, token: int) -> None:
        self.tokens[slot, self.totals[slot]] = token
        self.totals[slot] += 1

    def context(self, slots: list[int], drafts: list[list[int]]) -> SimpleNamespace:
        rows = [(slot, place) for slot, drafted in zip(slots, drafts, strict=True) for place in range(len(drafted) + 1)]
        last = {slot: int(self.tokens[slot, self.totals[slot] - 1]) for slot in slots}
        fed = [token for slot, drafted in zip(slots, drafts, strict=True) for token in (last[slot], *drafted)]
        return SimpleNamespace(
            expanded_idx_mapping=torch.tensor([slot for slot, _ in rows]),
            expanded_local_pos=torch.tensor([place for _, place in rows]),
            pos=torch.tensor([self.totals[slot] - 1 + place for slot, place in rows]),
            input_ids=torch.tensor(fed),
        )


@pytest.mark.parametrize("where", WHERE)
def test_vllm_reads_each_requests_tokens_where_the_runner_keeps_them(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cls = processor_class(MASK, base=interface("vllm", where, monkeypatch))
    runner, rng = VllmRunner(4), np.random.default_rng(2)
    processor = cls(None, runner.states)
    assert processor.add_request(2, ASKED)
    assert not processor.add_request(0, NOT_ASKED)
    for step in range(NUM_STEPS):
        slots = [2, 0] if step % 2 else [0, 2]  # rows are reordered every step
        logits = torch.stack([random_row(rng), random_row(rng)])
        untouched = logits[slots.index(0)].clone()
        masked = processor.apply(logits, runner.context(slots, [[], []]))
        assert torch.equal(masked[slots.index(0)], untouched)
        for row, slot in enumerate(slots):
            runner.commit(slot, int(masked[row].argmax()))
    assert_viable(runner.tokens[2, 3 : runner.totals[2]].tolist())
    processor.add_request(2, NOT_ASKED)  # the slot's next owner
    logits = random_row(rng).unsqueeze(0)
    assert torch.equal(processor.apply(logits.clone(), runner.context([2], [[]])), logits)
    with pytest.raises(ValueError, match="must be one of main, branch, not 'response'"):
        cls.validate_params(SimpleNamespace(extra_args={STREAM_ARGUMENT: "response"}))


def test_vllm_masks_drafted_rows_up_to_the_first_draft_that_is_refused() -> None:
    runner = VllmRunner(1)
    processor = processor_class(MASK, base=VllmInterface)(None, runner.states)
    processor.add_request(0, ASKED)
    written = smollm2_encoder()("Hi <promise topic")
    for token in written:
        runner.commit(0, token)
    drafts = [*smollm2_encoder()('="'), END, written[0]]
    logits = torch.zeros((len(drafts) + 1, MASK.vocabulary.num_logits))
    processor.apply(logits, runner.context([0], [drafts]))
    constraint = MASK.start()
    for token in written:
        constraint.advance(token)
    for row, token in enumerate(drafts[:2]):
        assert np.array_equal(~np.isneginf(logits[row].numpy()), constraint.allowed.is_legal)
        if row == 0:
            constraint.advance(token)
    assert torch.isneginf(logits[1, END])
    assert torch.equal(logits[2:], torch.zeros_like(logits[2:]))


class Direction(Enum):
    UNIDIRECTIONAL = 0
    SWAP = 1


def update(added: Any = (), removed: Any = (), moved: Any = ()) -> SimpleNamespace:
    return SimpleNamespace(added=added, removed=removed, moved=moved)


@pytest.mark.parametrize("where", WHERE)
def test_vllms_older_runner_moves_requests_within_its_batch(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cls = batch_processor_class(MASK, base=interface("vllm_v1", where, monkeypatch))
    processor, rng = cls(None, "cpu", False), np.random.default_rng(2)
    first: list[int] = []
    second: list[int] = []
    processor.update_state(update(added=[(0, ASKED, [1], first), (1, NOT_ASKED, [1], second)]))
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


class Request:
    """What SGLang's processors see of a request."""

    def __init__(self) -> None:
        self.output_ids = array.array("q")
        self.inflight_middle_chunks = 0


@pytest.mark.parametrize("where", WHERE)
def test_sglang_masks_the_requests_that_ask(where: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if where == "as installed":
        pytest.importorskip("dill", reason="SGLang's interface needs dill")
        pytest.importorskip("orjson", reason="SGLang's interface needs orjson")
    base = interface("sglang", where, monkeypatch)
    cls = type("Masked", (PastaLogitProcessor, base), {})
    # to an installed server it travels as text
    processor = cls.from_str(cls.to_str()) if where == "as installed" else cls()  # type: ignore[attr-defined]
    request, rng = Request(), np.random.default_rng(4)
    parameters = [{"pasta_tokenizer": "smollm2", "__req__": weakref.proxy(request)}, None]
    for _ in range(NUM_STEPS):
        logits = torch.stack([random_row(rng), random_row(rng)])
        untouched = logits[1].clone()
        masked = processor(logits, parameters)
        assert torch.equal(masked[1], untouched)
        request.output_ids.append(int(masked[0].argmax()))
    assert_viable(request.output_ids.tolist())


def test_sglang_is_refused_where_it_hides_the_last_token() -> None:
    request, processor = Request(), PastaLogitProcessor()
    parameters = [{"pasta_tokenizer": "smollm2", "__req__": request}]
    row = torch.zeros((1, MASK.vocabulary.num_logits))
    request.inflight_middle_chunks = 1  # pieces of a long prompt: what is sampled there is thrown away
    for _ in range(2):
        processor(row, parameters)
    request.inflight_middle_chunks = 0
    processor(row, parameters)
    with pytest.raises(ConstraintError, match="start the server with --disable-overlap-schedule"):
        processor(row, parameters)


def test_a_tracker_takes_back_what_the_engine_dropped() -> None:
    tracker, tokens = StreamTracker(MASK), smollm2_encoder()("one two three")
    state = tracker.update(tokens[:1]).state
    tracker.update(tokens)
    assert tracker.update([tokens[0], *smollm2_encoder()(" <")]).state != state
    assert tracker.update(tokens[:1]).state == state
    assert tracker.update([*tokens, END, END, 17]).is_finished
    with pytest.raises(ConstraintError, match="is not legal here"):
        StreamTracker(MASK).update(smollm2_encoder()("<sync/>"))


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_transformers_generates_complete_streams_within_their_budget(temperature: float) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = transformers.LlamaConfig(vocab_size=MASK.vocabulary.num_logits, **sizes, pad_token_id=END)
    model = transformers.LlamaForCausalLM(config).eval()
    limits = Limits(max_tokens=24, first_promise_by=20, require_sync=True)
    mask = compile_limited_mask(MASK.vocabulary, limits)
    sampling = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {"do_sample": False}
    prompt = torch.tensor([[7, 8, 9], [9, 8, 7]])
    ids = model.generate(
        prompt, **sampling, max_new_tokens=24, logits_processor=[PastaLogitsProcessor(mask, limits=limits)]
    )
    for row in ids[:, 3:].tolist():
        end = min(row.index(end) for end in mask.vocabulary.ends if end in row)
        document = parse(text_of(row[:end]).decode(), form="main")
        assert document.promises
        assert all(group.sync is not None for group in document.groups)
