import pytest

from pasta_toolkit.dag import Chunk, ChunkKind, Dag, Edge, EdgeKind

CHUNKS = tuple(Chunk(ChunkKind.MAIN, 0, 1, 0) for _ in range(3))


def dag(*pairs: tuple[int, int]) -> Dag:
    return Dag(CHUNKS, tuple(Edge(source, target, EdgeKind.PROGRAM) for source, target in pairs), 3, "any")


@pytest.mark.parametrize("pair", [(1, 0), (1, 1), (-1, 1), (1, 3)])
def test_an_edge_that_leads_back_or_nowhere_is_refused(pair: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"from a lower to a higher chunk, found {pair[0]} -> {pair[1]}"):
        dag(pair)


@pytest.mark.parametrize("pairs", [((0, 2), (0, 1)), ((1, 2), (0, 2)), ((0, 1), (0, 1))])
def test_edges_out_of_order_or_twice_are_refused(pairs: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError, match="ordered by target, then source, each once"):
        dag(*pairs)


def test_the_place_of_a_chunk_in_the_document_does_not_take_part_in_comparison() -> None:
    assert Chunk(ChunkKind.MAIN, 0, 1, 0, nodes=(1,)) == Chunk(ChunkKind.MAIN, 0, 1, 0, nodes=(2,))
    assert Chunk(ChunkKind.MAIN, 0, 1, 0) != Chunk(ChunkKind.MAIN, 0, 0, 1)
