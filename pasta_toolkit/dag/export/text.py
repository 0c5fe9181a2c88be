"""A DAG for a terminal: its measures, and a small picture with one line a thread. Its width is given by the caller."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pasta_toolkit.dag.graph import ChunkKind, Dag
from pasta_toolkit.dag.measures import Measures
from pasta_toolkit.dag.terminal import display_width, elided
from pasta_toolkit.dag.timeline import Lane, Timeline, timeline
from pasta_toolkit.dag.wording import counted_with

__all__ = ["to_text"]

LABEL_COLUMNS = 24
FEWEST_CELLS = 10
MOST_LANES = 64


@dataclass(frozen=True, slots=True)
class _Glyphs:
    critical: str
    other: str
    waiting: str
    sync: str
    ellipsis: str


BLOCKS = _Glyphs("█", "▒", "·", "┃", "…")
ASCII = _Glyphs("#", "=", ".", "|", "~")


def to_text(dag: Dag, *, columns: int = 80, ascii_only: bool = False) -> str:
    """Write measures and a picture of `columns` columns: time runs to the right in tokens, one line a thread."""
    view = timeline(dag)
    glyphs = ASCII if ascii_only else BLOCKS
    lines = [*_measure_lines(view.measures, dag), *(["", *_picture(view, glyphs, columns)] if dag.chunks else [])]
    return "\n".join(lines) + "\n"


def _measure_lines(measures: Measures, dag: Dag) -> Iterator[str]:
    yield _row("tokens counted with", counted_with(dag.tokenizer, is_exact=dag.is_exact))
    yield _row("sequential tokens", f"{measures.sequential_tokens:,}")
    yield _row("critical-path tokens", f"{measures.critical_path_tokens:,}")
    yield _row("decoded tokens", f"{measures.decoded_tokens:,}, of which {measures.tag_tokens:,} in tags")
    yield _row("ideal speed-up", f"{measures.ideal_speedup:.2f}  (sequential / critical-path tokens)")
    yield _row("parallelism", f"{measures.parallelism:.2f}  (decoded / critical-path tokens)")
    yield _row("width", f"{measures.width:,}  (most threads decoding at once)")
    yield _row("tag overhead", f"{measures.tag_overhead:.1%}  (tag tokens / decoded tokens)")
    yield _row("promises", _counted_promises(measures))
    if dag.form == "main":
        yield "The branches are as long as their promises say; none has been decoded."


def _counted_promises(measures: Measures) -> str:
    groups, syncs = measures.num_groups, measures.num_syncs
    if not groups:
        return f"{measures.num_promises:,}"
    plurals = f"{groups:,} group{'s' * (groups != 1)}, {syncs:,} sync{'s' * (syncs != 1)}"
    return f"{measures.num_promises:,} in {plurals}"


def _row(name: str, value: str) -> str:
    return f"{name:<22}{value}"


def _picture(view: Timeline, glyphs: _Glyphs, columns: int) -> Iterator[str]:
    num_tokens = view.measures.critical_path_tokens
    num_cells = max(1, min(max(FEWEST_CELLS, columns - LABEL_COLUMNS - 1), num_tokens))
    for lane in view.lanes[:MOST_LANES]:
        label = _padded(elided(_lane_label(lane), LABEL_COLUMNS, ellipsis=glyphs.ellipsis))
        yield f"{label} {_cells(view, lane, glyphs, num_cells)}".rstrip()
    if len(view.lanes) > MOST_LANES:
        yield f"({len(view.lanes) - MOST_LANES:,} more branches are not shown)"
    yield " " * (LABEL_COLUMNS + 1) + _ruler(num_tokens, num_cells)
    yield (
        f"{glyphs.critical} critical path   {glyphs.other} other tokens   "
        f"{glyphs.waiting} waiting for branches   {glyphs.sync} sync"
    )


def _lane_label(lane: Lane) -> str:
    if lane.is_main:
        return "main"
    return f"{lane.thread} {lane.topic}" if lane.topic is not None else "branch"


def _cells(view: Timeline, lane: Lane, glyphs: _Glyphs, num_cells: int) -> str:
    """Fill the cells that a chunk touches; where two chunks touch one, the critical one and then a sync is seen."""
    cells = [" "] * num_cells
    for wait in lane.waits:
        _fill(cells, glyphs.waiting, _touched(wait.start, wait.finish, view, num_cells))
    for index in sorted(lane.chunks, key=lambda chunk: _rank(view, chunk)):
        span = _touched(view.schedule.starts[index], view.schedule.finishes[index], view, num_cells)
        _fill(cells, _glyph(view, index, glyphs), span)
    return "".join(cells)


def _rank(view: Timeline, index: int) -> tuple[bool, bool]:
    return view.dag.chunks[index].kind is ChunkKind.JOIN, index in view.critical_chunks


def _glyph(view: Timeline, index: int, glyphs: _Glyphs) -> str:
    if view.dag.chunks[index].kind is ChunkKind.JOIN:
        return glyphs.sync
    return glyphs.critical if index in view.critical_chunks else glyphs.other


def _touched(start: int, finish: int, view: Timeline, num_cells: int) -> range:
    num_tokens = view.measures.critical_path_tokens
    if start >= finish:
        return range(0)
    return range(start * num_cells // num_tokens, -(-finish * num_cells // num_tokens))


def _fill(cells: list[str], glyph: str, span: Iterable[int]) -> None:
    for cell in span:
        cells[cell] = glyph


def _ruler(num_tokens: int, num_cells: int) -> str:
    end = f"{num_tokens:,} tokens"
    return f"0 {end:>{max(0, num_cells - 2)}}"


def _padded(text: str) -> str:
    return text + " " * (LABEL_COLUMNS - display_width(text))
