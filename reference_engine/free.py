"""Free mode: the model writes, each thread under its own rule. Runs no model and knows no slots.

A promise closes with the token that holds its `>`, a sync begins with the token that makes it certain. A branch ends
with its `</async>`, the main thread with an end token, which is no part of the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from grammar import split_at_tags
from pasta_toolkit.runtime import Event, Finished, Progress, Promised, Synced
from reference_engine.decoding import Decoded
from reference_engine.free_options import FreeOptions
from reference_engine.free_rules import FreeRules
from reference_engine.sampler import choose_token
from reference_engine.stream_rules import StreamRule, Taken

__all__ = ["FreeDecoder"]

MAIN = 0
PROMISE_OPENING = "<promise"


@dataclass(slots=True, eq=False)
class _FreeThread:
    """One thread: what it has written, by which rule, and the generator that it draws from."""

    rule: StreamRule
    generator: np.random.Generator
    tokens: list[int] = field(default_factory=list)


class FreeDecoder:
    """Decodes one request freely. State: its threads, and what their promises name."""

    agreement = None  # the model picks every token itself

    def __init__(self, prompt: Sequence[int], rules: FreeRules, *, options: FreeOptions | None = None) -> None:
        self.prompt = prompt
        self._rules = rules
        self._options = options or FreeOptions()
        self._promised: list[int] = []
        main = _FreeThread(rules.main(self._options), self._options.sampling.generator(MAIN))
        self._threads = [main]

    def first_tokens(self, branch: int) -> Sequence[int]:
        """Return `<async>`, which is forced on a branch."""
        rule = self._rules.branch(self._options, self._promised[branch - 1])
        tokens = self._rules.branch_begin
        self._threads.append(_FreeThread(rule, self._options.sampling.generator(branch), list(tokens)))
        return tokens

    def decoded_threads(self) -> Sequence[Sequence[int]]:
        """Return what each thread has written."""
        return [thread.tokens for thread in self._threads]

    @property
    def response(self) -> str:
        """The annotated response as far as it has come, each async block right behind its promise.

        Law: under the mask, a request that comes to its end has a valid one.
        """
        main, *branches = (self._rules.text(thread.tokens) for thread in self._threads)
        blocks = iter(branches)
        parts = split_at_tags(main)
        return "".join(
            part + next(blocks, "") if place % 2 and part.startswith(PROMISE_OPENING) else part
            for place, part in enumerate(parts)
        )

    def decode(self, thread: int, logits: torch.Tensor, *, pick: int) -> Decoded:
        """Return what the model chooses, and what must follow it.

        Raises:
            EngineError: no token may come next.
        """
        writer = self._threads[thread]
        token, taken = self._choose(writer, logits, pick)
        if taken.is_end_token:
            return Decoded(Progress(0, 0, (Finished(),)), ())
        tokens, events = [token], self._events(taken)
        if not taken.ends and (writer.rule.is_inside_sync or not events):
            self._follow(writer, tokens, events)
        writer.tokens += tokens
        return Decoded(Progress(len(tokens), len(tokens), tuple(events)), tokens)

    def _choose(self, writer: _FreeThread, logits: torch.Tensor, pick: int) -> tuple[int, Taken]:
        """Choose a token by the rule; a greedy choice looks at the logits only where the model's own is refused."""
        sampling = self._options.sampling
        if sampling.is_greedy and (taken := writer.rule.take(pick)) is not None:
            return pick, taken
        row = np.array(logits.numpy(force=True), dtype=np.float32)
        writer.rule.forbid(row)
        while True:
            token = choose_token(row, sampling, generator=writer.generator)
            taken = writer.rule.take(token)
            if taken is not None:
                return token, taken
            row[token] = -np.inf

    def _follow(self, writer: _FreeThread, tokens: list[int], events: list[Event]) -> None:
        """Append forced tokens, up to the first event: what a promise starts must fork right behind it."""
        for token in writer.rule.forced():
            taken = writer.rule.take(token)
            if taken is None:
                return
            tokens.append(token)
            events += self._events(taken)
            if taken.ends or (events and not writer.rule.is_inside_sync):
                return

    def _events(self, taken: Taken) -> list[Event]:
        events: list[Event] = []
        if taken.promise is not None:
            begin, end = len(self._rules.branch_begin), len(self._rules.branch_end)
            events.append(Promised(taken.promise.tokens, begin, begin + end))
            self._promised.append(taken.promise.tokens)
        if taken.begins_sync:
            events.append(Synced())
        if taken.ends:
            events.append(Finished())
        return events
