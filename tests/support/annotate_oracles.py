"""Slow and simple judges of plans: what a thread sees, what a plan takes, and the best plan by trying all of them."""

from collections.abc import Iterator, Sequence

from pasta_toolkit.annotate.constraints import Constraints
from pasta_toolkit.annotate.costs import Costs
from pasta_toolkit.annotate.search import Piece

__all__ = ["all_plans", "critical_path_tokens", "first_blind_block"]

Groups = Sequence[Sequence[Piece]]


def all_plans(num_blocks: int, *, sync_places: Sequence[int], most_branches: int) -> Iterator[list[list[Piece]]]:
    """Yield every way to cut blocks into groups of pieces, a sync behind each group but the last."""
    for pieces in _all_pieces(0, num_blocks):
        for groups in _all_groups(pieces, sync_places):
            counts = [sum(piece.is_branch for piece in group) for group in groups]
            if all(2 <= number <= most_branches for number in counts[:-1]) and (
                counts[-1] == 0 or 2 <= counts[-1] <= most_branches
            ):
                yield groups


def _all_pieces(start: int, end: int) -> Iterator[list[Piece]]:
    if start == end:
        yield []
    for cut in range(start + 1, end + 1):
        for rest in _all_pieces(cut, end):
            yield [Piece(start, cut, True), *rest]
            yield [Piece(start, cut, False), *rest]


def _all_groups(pieces: list[Piece], sync_places: Sequence[int]) -> Iterator[list[list[Piece]]]:
    """Two pieces of the main thread in a row are one piece, unless a sync parts them."""
    if not pieces:
        yield [[]]
        return
    for groups in _all_groups(pieces[:-1], sync_places):
        last = pieces[-1]
        before = groups[-1][-1] if groups[-1] else None
        if before is None or before.is_branch or last.is_branch:
            yield [*groups[:-1], [*groups[-1], last]]
        if last.start in sync_places:
            yield [*groups, [last]]


def critical_path_tokens(groups: Groups, costs: Costs) -> int:
    """Run a plan as if every thread could always decode."""
    now = 0
    for index, group in enumerate(groups):
        ends = []
        for piece in group:
            tokens = costs.content(piece.start, piece.end)
            now += costs.promise(piece.start, tokens) if piece.is_branch else tokens
            ends.append(now + costs.tags.branch + tokens if piece.is_branch else now)
        now = max([now, *ends]) + (costs.tags.sync if index < len(groups) - 1 else 0)
    return now


def first_blind_block(groups: Groups, constraints: Constraints) -> int | None:
    """Return the first block that does not see what it must see, None where all do."""
    settled: set[int] = set()
    for group in groups:
        main = set(settled)
        for piece in group:
            seen = set(main)
            for block in range(piece.start, piece.end):
                if not needs(block, constraints) <= seen:
                    return block
                seen.add(block)
            if not piece.is_branch:
                main = seen
            elif not constraints.may_begin_branch[piece.start]:
                return piece.start
        settled = set(range(group[-1].end)) if group else settled
    return None


def needs(block: int, constraints: Constraints) -> set[int]:
    """Return the blocks that a block must see."""
    governor = constraints.governors[block]
    found = set() if governor < 0 else {governor}
    if block in constraints.barriers:
        found |= set(range(block))
    regions = {region for region in constraints.region_at if region is not None}
    for region in regions:
        if region.first_remark <= block < region.end:
            found |= set(range(region.start, region.first_remark))
    return found
