"""Tiny models where the CUDA step's tests run, by way of a folder, and step functions run over the same steps."""

import tempfile
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

import torch

from reference_engine.model import Model, load_model, random_model, save_folder
from reference_engine.pool.storage import KvStorage
from reference_engine.step.batch import StepBatch
from reference_engine.step.readable import readable_step
from tests.support.cuda_batches import random_steps, to_device
from tests.support.cuda_device import DEVICE
from tests.support.engine_models import tiny_config

__all__ = ["NUM_SLOTS", "StepFunction", "oracle", "run", "tiny_model"]

NUM_SLOTS = 272  # enough for attention to be split in two
StepFunction = Callable[[KvStorage, StepBatch], torch.Tensor]


@cache
def tiny_model(family: str, *, stored: torch.dtype = torch.float32, dtype: torch.dtype | None = None) -> Model:
    """Return a family's tiny model on the device: random numbers of type `stored`, then read as `dtype`."""
    drawn = random_model(tiny_config(family), generator=torch.Generator().manual_seed(3), dtype=stored)
    with tempfile.TemporaryDirectory() as folder:
        save_folder(drawn, Path(folder))
        return load_model(folder, dtype=dtype or stored, device=DEVICE)


def oracle(model: Model) -> StepFunction:
    """Return the readable step of a model."""
    return partial(readable_step, model)


def run(step: StepFunction, model: Model, sizes: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Feed so many rows of each lane, step by step; return all logits (outputs, vocabulary), and the pool."""
    storage = KvStorage.allocate(model.config, NUM_SLOTS, dtype=model.dtype, device=DEVICE)
    generator = torch.Generator().manual_seed(4)
    steps = random_steps(sizes, num_slots=NUM_SLOTS, vocabulary=model.config.vocabulary_size, generator=generator)
    return torch.cat([step(storage, to_device(batch, DEVICE)) for batch in steps]), storage.entries
