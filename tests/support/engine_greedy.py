"""Greedy decoding of one sequence over the pool with the readable step: nothing of the engine's loop."""

import torch

from reference_engine.model import Model
from reference_engine.pool.storage import KvStorage
from reference_engine.step.batch import StepBatch
from reference_engine.step.readable import readable_step

__all__ = ["greedy_tokens"]


def greedy_tokens(model: Model, prompt: list[int], *, num_tokens: int) -> list[int]:
    """Return the likeliest tokens behind a prompt, up to an end token, which is among them."""
    storage = KvStorage.allocate(model.config, len(prompt) + num_tokens, dtype=model.dtype)
    fed, decoded, start = prompt, list[int](), 0
    while len(decoded) < num_tokens and not (decoded and decoded[-1] in model.config.end_tokens):
        rows = torch.arange(start, start + len(fed))
        slots = torch.arange(start + len(fed))
        visible = slots[None, :] <= rows[:, None]
        last = torch.tensor([len(fed) - 1])
        batch = StepBatch(torch.tensor(fed), rows, rows, visible, slots, last, (len(fed),))
        start += len(fed)
        fed = [int(readable_step(model, storage, batch)[0].argmax())]
        decoded += fed
    return decoded
