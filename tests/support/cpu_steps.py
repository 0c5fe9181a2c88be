"""Random steps for tests of the CPU step: lanes of any width, slots anywhere or in rows, any visibility."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from hypothesis import strategies as st

from reference_engine.model import LayerWeights, Model, ModelWeights
from reference_engine.pool.storage import KvStorage
from reference_engine.step.batch import CacheRows, StepBatch

__all__ = [
    "NUM_SLOTS",
    "RandomRun",
    "as_type",
    "copied_run",
    "fed_logits",
    "logits_of",
    "scattered_run",
    "step_sizes",
]

NUM_SLOTS = 96
ROW_SLOTS = 16
VOCABULARY = 97
MOST_ROWS = 16  # of a step: six of them fit the slots

step_sizes = st.lists(
    st.lists(st.integers(1, 5), min_size=1, max_size=6).filter(lambda rows: sum(rows) <= MOST_ROWS),
    min_size=1,
    max_size=6,
)


@dataclass(frozen=True, slots=True)
class RandomRun:
    """Steps in order, over a pool of `NUM_SLOTS`."""

    steps: tuple[StepBatch, ...]


def scattered_run(sizes: Sequence[Sequence[int]], seed: int) -> RandomRun:
    """Return steps whose slots lie anywhere, in every other step side by side; each row sees some slots before it."""
    generator = torch.Generator().manual_seed(seed)
    steps, filled, slot_positions = [], torch.zeros(NUM_SLOTS, dtype=torch.bool), torch.zeros(NUM_SLOTS).long()
    for index, lane_rows in enumerate(sizes):
        num_rows = sum(lane_rows)
        free = (~filled).nonzero()[:, 0]
        order = torch.arange(num_rows) if index % 2 else torch.randperm(len(free), generator=generator)[:num_rows]
        slots = free[order]
        positions = slot_positions[slots] = torch.randint(0, 60, (num_rows,), generator=generator)
        visible = (torch.rand(num_rows, NUM_SLOTS, generator=generator) < 0.7) & filled
        visible[:, slots] = own_causal(lane_rows)
        filled[slots] = True
        steps.append(step_of(positions, slots, visible, slot_positions, lane_rows, generator=generator))
    return RandomRun(tuple(steps))


def copied_run(sizes: Sequence[Sequence[int]], seed: int) -> RandomRun:
    """Return steps whose lanes own rows of the pool, filled from their beginning; lanes change rows and miss steps."""
    generator = torch.Generator().manual_seed(seed)
    num_rows = NUM_SLOTS // ROW_SLOTS
    steps, lengths, slot_positions = [], [0] * num_rows, torch.zeros(NUM_SLOTS).long()
    for lane_rows in sizes:
        chosen = torch.randperm(num_rows, generator=generator)[: len(lane_rows)].tolist()
        fitting = [
            (row, rows) for row, rows in zip(chosen, lane_rows, strict=False) if lengths[row] + rows <= ROW_SLOTS
        ]
        if not fitting:
            continue
        slots = torch.cat([row * ROW_SLOTS + lengths[row] + torch.arange(rows) for row, rows in fitting])
        positions = slot_positions[slots] = torch.randint(0, 60, (len(slots),), generator=generator)
        for row, rows in fitting:
            lengths[row] += rows
        visible = torch.rand(len(slots), NUM_SLOTS, generator=generator) < 0.7
        visible &= (torch.arange(NUM_SLOTS) // ROW_SLOTS) == (slots // ROW_SLOTS)[:, None]
        visible &= torch.arange(NUM_SLOTS) < slots[:, None]
        visible[torch.arange(len(slots)), slots] = True
        owned = CacheRows(tuple(row for row, _ in fitting), tuple(lengths[row] for row, _ in fitting), ROW_SLOTS)
        rows_by_lane = [rows for _, rows in fitting]
        steps.append(
            step_of(positions, slots, visible, slot_positions, rows_by_lane, generator=generator, cache_rows=owned)
        )
    return RandomRun(tuple(steps))


def own_causal(lane_rows: Sequence[int]) -> torch.Tensor:
    """Return which rows of a step see which of the same step: those before them in their lane, and themselves."""
    lanes = torch.repeat_interleave(torch.arange(len(lane_rows)), torch.tensor(lane_rows))
    return (lanes[:, None] == lanes).tril()


def step_of(
    positions: torch.Tensor,
    slots: torch.Tensor,
    visible: torch.Tensor,
    slot_positions: torch.Tensor,
    lane_rows: Sequence[int],
    *,
    generator: torch.Generator,
    cache_rows: CacheRows | None = None,
) -> StepBatch:
    """Return a step that is asked for the logits of some of its rows, in any order; its extent ends where it may."""
    num_rows = len(slots)
    extent = int(visible.any(dim=0).nonzero().max()) + 1
    num_outputs = int(torch.randint(0, num_rows + 1, (), generator=generator))
    return StepBatch(
        tokens=torch.randint(0, VOCABULARY, (num_rows,), generator=generator),
        positions=positions,
        slots=slots,
        visible=visible[:, :extent].contiguous(),
        slot_positions=slot_positions[:extent].clone(),
        outputs=torch.randperm(num_rows, generator=generator)[:num_outputs],
        lane_rows=tuple(lane_rows),
        cache_rows=cache_rows,
    )


def logits_of(
    step: Callable[[KvStorage, StepBatch], torch.Tensor], model: Model, run: RandomRun
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run all steps over a pool of their own; return all logits (outputs, vocabulary), and what the pool holds then."""
    storage = KvStorage.allocate(model.config, NUM_SLOTS, dtype=model.dtype)
    logits = [step(storage, batch) for batch in run.steps]
    return torch.cat([torch.zeros(0, VOCABULARY), *logits]), storage.entries


def fed_logits(
    step: Callable[[KvStorage, StepBatch], torch.Tensor], model: Model, tokens: Sequence[int], *, chunk: int
) -> torch.Tensor:
    """Return the logits behind each of some tokens (tokens, vocabulary), fed to one lane so many a step."""
    storage = KvStorage.allocate(model.config, len(tokens), dtype=model.dtype)
    logits = []
    for start in range(0, len(tokens), chunk):
        end = min(start + chunk, len(tokens))
        places = torch.arange(start, end)
        visible = torch.arange(end) <= places[:, None]
        fed = torch.tensor(tokens[start:end])
        batch = StepBatch(fed, places, places, visible, torch.arange(end), torch.arange(end - start), (end - start,))
        logits.append(step(storage, batch))
    return torch.cat(logits)


def as_type(model: Model, dtype: torch.dtype, *, device: str = "cpu") -> Model:
    """Return a model with its weights rounded to a type."""

    def rounded(tensor: torch.Tensor | None) -> torch.Tensor | None:
        return None if tensor is None else tensor.to(device, dtype)

    layers = tuple(
        LayerWeights(**{field.name: rounded(getattr(layer, field.name)) for field in fields(LayerWeights)})
        for layer in model.weights.layers
    )
    beside = {name: getattr(model.weights, name).to(device, dtype) for name in ("embedding", "final_norm", "output")}
    return Model(model.name, model.config, ModelWeights(layers=layers, **beside))
