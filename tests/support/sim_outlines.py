"""Random answers as numbers, their scripts, and a naive critical path. Shares no code with scripts made from DAGs."""

from dataclasses import dataclass

from hypothesis import strategies as st

from pasta_toolkit.runtime import Finished, Promised, Run, Script, Synced, ThreadScript


@dataclass(frozen=True)
class OutlineBranch:
    text_before: int
    promise_tag: int
    tokens: int  # <async>, content and </async>


@dataclass(frozen=True)
class OutlineGroup:
    branches: tuple[OutlineBranch, ...]
    text_after: int
    sync_tag: int  # 0: an end without sync


@dataclass(frozen=True)
class Outline:
    groups: tuple[OutlineGroup, ...]
    tail: int

    @property
    def decoded_tokens(self) -> int:
        main = sum(
            group.text_after + group.sync_tag + sum(b.text_before + b.promise_tag for b in group.branches)
            for group in self.groups
        )
        return main + self.tail + sum(branch.tokens for branch in self.branches)

    @property
    def branches(self) -> list[OutlineBranch]:
        return [branch for group in self.groups for branch in group.branches]


def critical_path_tokens(outline: Outline) -> int:
    """Walk along the main thread: a branch starts where its promise ends, a sync waits for the latest."""
    now, latest = 0, 0
    for group in outline.groups:
        for branch in group.branches:
            now += branch.text_before + branch.promise_tag
            latest = max(latest, now + branch.tokens)
        now += group.text_after
        if group.sync_tag:
            now = max(now, latest) + group.sync_tag
    return max(now + outline.tail, latest)


def script_of_outline(outline: Outline) -> Script:
    """One lane a token, whatever the token."""
    main: list[tuple[int, tuple]] = []
    for group in outline.groups:
        for branch in group.branches:
            promised = Promised(10, tag_tokens=2, branch_tokens=branch.tokens - 2)
            main.append((branch.text_before + branch.promise_tag, (promised,)))
        if group.sync_tag:
            main.append((group.text_after + 1, (Synced(),)))
            main.append((group.sync_tag - 1, ()))
        else:
            main.append((group.text_after, ()))
    main.append((outline.tail, ()))
    runs = [Run(lanes, 1, events) for lanes, events in main if lanes] or [Run(1, 0)]
    runs[-1] = runs[-1]._replace(events=(*runs[-1].events, Finished()))
    branches = [ThreadScript((Run(branch.tokens - 1, 1, (Finished(),)),)) for branch in outline.branches]
    return Script((ThreadScript(tuple(runs)), *branches))


small = st.integers(0, 12)
branches = st.builds(OutlineBranch, small, st.integers(1, 13), st.integers(2, 40))
groups = st.builds(OutlineGroup, st.lists(branches, min_size=1, max_size=4).map(tuple), small, st.integers(1, 3))
last_groups = st.builds(OutlineGroup, st.lists(branches, min_size=1, max_size=4).map(tuple), small, st.just(0))


@st.composite
def outlines(draw: st.DrawFn) -> Outline:
    inner = draw(st.lists(groups, max_size=3))
    if draw(st.booleans()):
        return Outline((*inner, draw(last_groups)), 0)
    return Outline(tuple(inner), draw(small))
