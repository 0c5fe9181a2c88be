"""Replays small steps as CUDA graphs, one for each size of a step. Knows the buffers of a graph, not what it computes.

A graph is bound to its sizes and addresses, so steps are padded to a few sizes and copied into buffers that stay. The
rows that pad a step repeat its first row: they write the same numbers to the same slot, so no spare slot is needed.
Source: the section on CUDA graphs in PyTorch's notes on CUDA semantics.
"""

from dataclasses import dataclass

import torch

from reference_engine.pool.storage import KvStorage
from reference_engine.step.batch import StepBatch, StepFunction

__all__ = ["GraphStep", "StepSize", "allocate_buffers", "fill_buffers"]

MOST_ROWS = 64  # larger steps are prefills, which the launches do not slow
LEAST_EXTENT = 256
NUM_WARM_UPS = 3  # as in PyTorch's notes


@dataclass(frozen=True, slots=True)
class StepSize:
    """The sizes of a graph: both are powers of 2, unless the pool itself is smaller."""

    rows: int
    extent: int

    @classmethod
    def of(cls, batch: StepBatch, *, num_slots: int) -> "StepSize":
        """Return the smallest size that a step fits into, in a pool of `num_slots`."""
        extent = max(LEAST_EXTENT, _power_of_two_from(batch.extent))
        return cls(_power_of_two_from(len(batch.tokens)), min(extent, num_slots))


@dataclass(frozen=True, slots=True)
class _Graph:
    graph: torch.cuda.CUDAGraph
    buffers: StepBatch
    logits: torch.Tensor  # (rows, vocabulary) float32; each replay overwrites it


class GraphStep:
    """Runs steps of a function through graphs. State: the graphs of one pool, captured when their size first comes."""

    def __init__(self, function: StepFunction) -> None:
        self._function = function
        self._graphs: dict[StepSize, _Graph] = {}
        self._entries: torch.Tensor | None = None
        self._memory = torch.cuda.graph_pool_handle()

    def takes(self, batch: StepBatch) -> bool:
        """Say whether a step is small enough for a graph."""
        return len(batch.tokens) <= MOST_ROWS

    def run(self, storage: KvStorage, batch: StepBatch) -> torch.Tensor:
        """Return the logits of a step, in memory of their own."""
        if self._entries is not storage.entries:  # graphs hold the addresses of another pool
            self._graphs.clear()
            self._entries = storage.entries
        size = StepSize.of(batch, num_slots=storage.num_slots)
        if size not in self._graphs:
            self._graphs[size] = self._capture(storage, batch, size)
        captured = self._graphs[size]
        fill_buffers(captured.buffers, batch)
        captured.graph.replay()
        return captured.logits[: len(batch.outputs)].clone()

    def _capture(self, storage: KvStorage, batch: StepBatch, size: StepSize) -> _Graph:
        """Capture the function at a size. What warms it up is the step itself, which may be done twice."""
        buffers = allocate_buffers(size, storage.entries.device)
        fill_buffers(buffers, batch)
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(NUM_WARM_UPS):
                self._function(storage, buffers)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._memory):
            logits = self._function(storage, buffers)
        return _Graph(graph, buffers, logits)


@torch.inference_mode(False)
def allocate_buffers(size: StepSize, device: torch.device) -> StepBatch:
    """Return the buffers of a graph, which later steps may fill inside `torch.inference_mode()` and outside."""
    return StepBatch(
        tokens=torch.zeros(size.rows, dtype=torch.int64, device=device),
        positions=torch.zeros(size.rows, dtype=torch.int64, device=device),
        slots=torch.zeros(size.rows, dtype=torch.int64, device=device),
        visible=torch.zeros(size.rows, size.extent, dtype=torch.bool, device=device),
        slot_positions=torch.zeros(size.extent, dtype=torch.int64, device=device),
        outputs=torch.zeros(size.rows, dtype=torch.int64, device=device),
        lane_rows=(size.rows,),
    )


def fill_buffers(buffers: StepBatch, batch: StepBatch) -> None:
    """Copy a step into buffers of at least its size, which then hold a step of the same effect.

    Logits that nobody has asked for are those of whatever rows `outputs` named before.
    """
    num_rows = len(batch.tokens)
    for buffer, values in (
        (buffers.tokens, batch.tokens),
        (buffers.positions, batch.positions),
        (buffers.slots, batch.slots),
        (buffers.visible[:, : batch.extent], batch.visible),
    ):
        buffer[:num_rows] = values
        buffer[num_rows:] = values[0]
    buffers.visible[:, batch.extent :] = False
    buffers.slot_positions[: batch.extent] = batch.slot_positions
    buffers.outputs[: len(batch.outputs)] = batch.outputs


def _power_of_two_from(number: int) -> int:
    return 1 << (number - 1).bit_length()
