"""The serialised document: one row of tokens with explicit positions and a visibility matrix, from SPEC.md's words.

Shares no code with the engine or the runtime: it walks the document, not a schedule. A token is a byte of the text.
"""

from dataclasses import dataclass, field

import numpy as np

from grammar import AsyncBlock, Promise, Sync, Text, escape

__all__ = ["Serial", "byte_tokens", "serialised"]

PROMPT = -1


def byte_tokens(text: str, vocabulary: int = 256) -> list[int]:
    return [byte % vocabulary for byte in text.encode("utf-8", "surrogatepass")]


@dataclass
class Serial:
    tokens: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    visible: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), dtype=bool))

    def rows_of(self, thread):
        return [row for row, owner in enumerate(self.threads) if owner == thread]


@dataclass
class _Branch:
    number: int
    tokens: list[int]
    promised: int
    sees: list[int]
    first_position: int
    rows: list[int] = field(default_factory=list)


def serialised(document, prompt, *, policy="predicted", fixed=50, encode=byte_tokens):
    """Return the rows of a response: main text as it comes, a group's branches right before its sync, or at the end."""
    walk = _Walk(policy, fixed, encode)
    walk.main(prompt)
    blocks = iter([node for node in document.nodes if isinstance(node, AsyncBlock)])
    for node in document.nodes:
        if isinstance(node, Text):
            walk.main_text += node.content
        elif isinstance(node, Promise):
            walk.promise(node, next(blocks))
        elif isinstance(node, Sync):
            walk.flush()
            walk.join()
            walk.main(encode("<sync/>"))
    walk.flush()
    walk.join()
    return walk.result()


class _Walk:
    def __init__(self, policy, fixed, encode):
        self.policy, self.fixed, self.encode = policy, fixed, encode
        self.tokens, self.positions, self.threads, self.sees = [], [], [], []
        self.main_text = ""
        self.main_sees = []
        self.next_position = 0
        self.outstanding = []
        self.num_branches = 0

    def main(self, tokens):
        for token in tokens:
            self.main_sees.append(self._add(token, self.next_position, 0, self.main_sees))
            self.next_position += 1

    def flush(self):
        text, self.main_text = self.main_text, ""
        self.main(self.encode(escape(text)))

    def promise(self, node, block):
        self.flush()
        self.main(self.encode(f'<promise topic="{node.topic}" tokens="{node.tokens}"/>'))
        self.num_branches += 1
        content = self.encode(escape(block.content))
        tags = [self.encode("<async>"), self.encode("</async>")]
        branch = _Branch(
            self.num_branches, [*tags[0], *content, *tags[1]], node.tokens, list(self.main_sees), self.next_position
        )
        self.outstanding.append(branch)
        reserved = {"predicted": node.tokens, "fixed": self.fixed, "oracle": len(content), "shared": None}[self.policy]
        if reserved is not None:
            self.next_position += reserved + sum(map(len, tags))

    def join(self):
        for branch in self.outstanding:
            seen = list(branch.sees)
            for place, token in enumerate(branch.tokens):
                row = self._add(token, branch.first_position + place, branch.number, seen)
                seen.append(row)
                branch.rows.append(row)
        for branch in self.outstanding:
            self.main_sees += branch.rows
            if self.policy == "shared":
                self.next_position = max(self.next_position, branch.first_position + len(branch.tokens))
        self.outstanding = []

    def _add(self, token, position, thread, seen):
        row = len(self.tokens)
        self.tokens.append(token)
        self.positions.append(position)
        self.threads.append(thread)
        self.sees.append([*seen, row])
        return row

    def result(self):
        visible = np.zeros((len(self.tokens), len(self.tokens)), dtype=bool)
        for row, seen in enumerate(self.sees):
            visible[row, seen] = True
        return Serial(self.tokens, self.positions, self.threads, visible)
