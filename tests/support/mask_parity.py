"""Compares another tool's masks with ours, state by state over a whole vocabulary."""

from dataclasses import dataclass

import numpy as np

from pasta_toolkit.mask import TokenMask
from tests.support.mask_peers import Peer
from tests.support.mask_streams import shortest_ways

__all__ = ["Difference", "differences"]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a peer thinks of one state: tokens that only we allow, and tokens that only it allows."""

    state: int
    ours_alone: tuple[bytes, ...]
    theirs_alone: tuple[bytes, ...]


def differences(mask: TokenMask, peer: Peer, *, stream: str, every: int = 1) -> tuple[int, list[Difference]]:
    """Lead a peer to every n-th state by the fewest tokens; return the number of states and those where we differ.

    Raises:
        ValueError: the peer refuses a token on the way.
    """
    found, tokens = [], mask.vocabulary.tokens
    ways = sorted(shortest_ways(mask, stream).items())[::every]
    for state, way in ways:
        peer.reset()
        for token in way:
            if not peer.accept(token):
                raise ValueError(f"the peer refuses {tokens[token]!r} on the way to the state {state}")
        ours, theirs = mask.sets[state].is_legal, peer.legal()
        if not np.array_equal(ours, theirs):
            alone = [
                tuple(tokens[token] for token in np.flatnonzero(one & ~other))
                for one, other in ((ours, theirs), (theirs, ours))
            ]
            found.append(Difference(state, *alone))
    return len(ways), found
