"""Runs the engine on tiny models and keeps every logit."""

import torch

from pasta_toolkit.runtime import Copied, Interleaved, Paged
from reference_engine.executor import TorchExecutor
from reference_engine.forced import ForcedDecoder
from reference_engine.loop import Job, Loop
from reference_engine.pool import KvPool
from reference_engine.step.readable import readable_step

__all__ = ["LAYOUTS", "KeepingDecoder", "loop_for", "run_forced"]

LAYOUTS = {"interleaved": Interleaved(), "paged": Paged(4), "copied": Copied(row_tokens=2048)}


class KeepingDecoder(ForcedDecoder):
    """Keeps the logits of every lane, by thread, with the number of tokens that the thread had decoded before."""

    def __init__(self, prompt, answer):
        super().__init__(prompt, answer)
        self.kept = []

    def decode(self, thread, logits, *, pick):
        self.kept.append((thread, self._num_known[thread], logits.clone()))
        return super().decode(thread, logits, pick=pick)


def loop_for(model, *, layout="interleaved", num_slots=32768, step=readable_step, swaps=False, **options):
    pool = KvPool(model.config, LAYOUTS[layout], num_slots, dtype=model.dtype)
    executor = TorchExecutor(pool, lambda storage, batch: step(model, storage, batch), swaps=swaps)
    return Loop(pool, executor, **options)


def run_forced(loop, jobs, *, record=None):
    """Decode (name, prompt, answer) triples; return recordings and decoders."""
    decoders = {name: KeepingDecoder(prompt, answer) for name, prompt, answer in jobs}
    with torch.inference_mode():
        recordings = loop.run([Job(name, decoders[name]) for name, _, _ in jobs], record=record)
    return recordings, decoders
