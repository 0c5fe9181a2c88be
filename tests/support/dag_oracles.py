"""Slow and simple oracles for DAGs: a decode token by token, all chains of a graph, a count of every step."""

from collections import deque
from dataclasses import dataclass

from grammar import AsyncBlock, Document, Promise, Sync, Text, escape
from pasta_toolkit.dag import Dag

__all__ = ["Decode", "all_chains", "decode", "longest_chain_tokens", "most_overlapping", "step_widths"]


@dataclass(frozen=True, slots=True)
class Decode:
    """What a decode of one token a thread and step saw."""

    num_steps: int
    most_threads: int
    num_tokens: int


def decode(document: Document) -> Decode:
    """Decode a response as an interpreter would, every character a token, every thread one token a step.

    The main thread is a queue of characters, of branches to start and of syncs to wait at.
    """
    main = _program(document)
    branches: list[int] = []
    num_steps = most_threads = num_tokens = 0
    while True:
        while main and (isinstance(main[0], int) or (main[0] == "wait" and not any(branches))):
            item = main.popleft()
            if isinstance(item, int):
                branches.append(item)
        alive = [index for index, left in enumerate(branches) if left]
        main_is_alive = bool(main) and main[0] == "token"
        if not alive and not main_is_alive:
            assert not main
            return Decode(num_steps, most_threads, num_tokens)
        for index in alive:
            branches[index] -= 1
        if main_is_alive:
            main.popleft()
        num_steps += 1
        num_tokens += len(alive) + main_is_alive
        most_threads = max(most_threads, len(alive) + main_is_alive)


def _program(document: Document) -> deque[str | int]:
    blocks = deque(node for node in document.nodes if isinstance(node, AsyncBlock))
    texts: list[str] = []
    program: deque[str | int] = deque()

    def flush() -> None:
        program.extend(["token"] * len(escape("".join(texts))))
        texts.clear()

    for node in document.nodes:
        if isinstance(node, Text):
            texts.append(node.content)
        elif isinstance(node, Promise):
            flush()
            program.extend(["token"] * len(f'<promise topic="{node.topic}" tokens="{node.tokens}"/>'))
            program.append(len("<async></async>") + len(escape(blocks.popleft().content)))
        elif isinstance(node, Sync):
            flush()
            program.extend(["wait", *["token"] * len("<sync/>")])
    flush()
    return program


def all_chains(dag: Dag) -> list[list[int]]:
    """Every chain of chunks that follows edges and starts anywhere."""
    chains = [[index] for index in range(len(dag.chunks))]
    found = list(chains)
    while chains:
        chains = [[*chain, edge.target] for chain in chains for edge in dag.edges if edge.source == chain[-1]]
        found += chains
    return found


def longest_chain_tokens(dag: Dag) -> int:
    return max((sum(dag.chunks[index].tokens for index in chain) for chain in all_chains(dag)), default=0)


def step_widths(dag: Dag) -> list[int]:
    """How many chunks decode in each step, where each starts as soon as the longest chain before it has ended."""
    finishes = [
        max(sum(dag.chunks[index].tokens for index in chain) for chain in all_chains(dag) if chain[-1] == last)
        for last in range(len(dag.chunks))
    ]
    starts = [finish - chunk.tokens for finish, chunk in zip(finishes, dag.chunks, strict=True)]
    return [
        sum(start <= step < finish for start, finish in zip(starts, finishes, strict=True))
        for step in range(max(finishes, default=0))
    ]


def most_overlapping(dag: Dag) -> int:
    return max(step_widths(dag), default=0)
