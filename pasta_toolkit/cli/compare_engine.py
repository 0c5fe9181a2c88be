"""Makes the engine that is measured, and says what a file of its measurements must say. Decodes nothing."""

from dataclasses import asdict
from typing import Any

import torch

from pasta_toolkit.cli.decode_engine import load_engine
from reference_engine import Engine
from reference_engine.calibration_device import pin_threads
from reference_engine.model.summary import num_parameters

__all__ = ["about_engine", "engine_with", "load_measuring_engine"]

NUM_SLOTS, NUM_ROWS = 4096, 40


def load_measuring_engine(options: dict[str, Any]) -> Engine:
    """Load a model with its threads pinned, and put an engine around it, one request at a time.

    Raises:
        PastaError: there is no such model or device, or an option does not fit them.
    """
    num_slots = options.get("num_slots") or _default_slots(options["layout"], options["row_slots"])
    settled = {"positions": "predicted", "jump_forward": False, "batch": NUM_ROWS, **options, "num_slots": num_slots}
    engine = load_engine(settled)
    if engine.model.device.type == "cpu":
        pin_threads()
    return engine


def engine_with(engine: Engine, **changes: Any) -> Engine:
    """Return an engine with other options, and with as many slots as its layout needs."""
    if "layout" in changes and "num_slots" not in changes:
        changes["num_slots"] = _default_slots(changes["layout"], engine.options.row_slots)
    return engine.with_options(**changes)


def about_engine(engine: Engine, *, mode: str) -> dict[str, Any]:
    """Return what makes measurements of two engines comparable, as the first line of a file says it."""
    options = engine.options
    return {
        "mode": mode,
        "model": engine.model.name,
        "model_parameters": num_parameters(engine.model.config),
        "step": engine.step_sentence,
        "device": str(engine.model.device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "layout": options.layout,
        "row_slots": options.row_slots,
        "num_slots": options.num_slots,
        "positions": options.positions,
        "jump_forward": options.jump_forward,
        "limits": asdict(options.limits),
    }


def _default_slots(layout: str, row_slots: int) -> int:
    return NUM_ROWS * row_slots if layout == "copied" else NUM_SLOTS
