"""Makes the engine that the options of `pasta decode` ask for. Decodes nothing."""

import os
from typing import Any

import click
import torch

from pasta_toolkit.mask import default_cache_folder
from pasta_toolkit.runtime import Limits
from reference_engine import Engine, EngineError, EngineOptions, load_model, load_tokenizer
from reference_engine.cpu_threads import num_physical_cores
from reference_engine.loop import PREFILL_CHUNK
from reference_engine.step.choice import choose_step
from reference_engine.step.packed_linear import can_pack

__all__ = ["load_engine"]

THREADS_VARIABLE = "OMP_NUM_THREADS"


def load_engine(options: dict[str, Any]) -> Engine:
    """Load model and tokenizer, and put an engine around them.

    Raises:
        PastaError: there is no such model or device, or an option does not fit them.
    """
    device = _device(options["device"])
    if device.type == "cpu":
        _use_threads(options["num_cpu_threads"])
    model = load_model(options["model_source"], dtype=_dtype(options["dtype"], device, options["step"]), device=device)
    chosen = EngineOptions(
        step=options["step"],
        layout=options["layout"],
        num_slots=options["num_slots"],
        row_slots=options["row_slots"],
        positions=options["positions"],
        jump_forward=options["jump_forward"],
        limits=Limits(max_batched_tokens=PREFILL_CHUNK, max_requests=options["batch"]),
        mask_cache=default_cache_folder(),
    )
    step = choose_step(model, kind=chosen.step, report=lambda sentence: click.echo(f"pasta: {sentence}", err=True))
    return Engine(model, tokenizer=load_tokenizer(options["model_source"]), options=chosen, step=step)


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise EngineError(f"no device is called {name!r}: give cpu, cuda, or cuda:N") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise EngineError("this PyTorch finds no CUDA device; give --device cpu")
    return device


def _dtype(name: str, device: torch.device, step: str) -> torch.dtype:
    if name != "auto":
        return torch.bfloat16 if name == "bfloat16" else torch.float32
    is_fast = device.type == "cuda" or step.startswith("native") or (device.type == "cpu" and can_pack(torch.bfloat16))
    return torch.bfloat16 if is_fast and step != "readable" else torch.float32


def _use_threads(asked: int | None) -> None:
    """Set PyTorch's threads as asked for, or else as the environment says, or else to the physical cores."""
    if asked is not None or THREADS_VARIABLE not in os.environ:
        torch.set_num_threads(asked or num_physical_cores())
