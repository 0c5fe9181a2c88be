"""Chooses the step that runs a model, and says why in one sentence. Knows no batch and no pool."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch

from reference_engine.errors import EngineError
from reference_engine.model.weights import Model
from reference_engine.pool.storage import KvStorage
from reference_engine.step.batch import StepBatch, StepFunction
from reference_engine.step.cpu_step import CpuStep
from reference_engine.step.packed_linear import can_pack
from reference_engine.step.readable import readable_step

__all__ = ["STEP_KINDS", "choose_step"]

STEP_KINDS = ("auto", "readable", "cpu", "cuda", "native", "native-int8")
WEIGHT_BITS: Mapping[str, int] = MappingProxyType({"native": 16, "native-int8": 8})


def choose_step(
    model: Model, *, kind: str = "auto", report: Callable[[str], None] | None = None
) -> tuple[StepFunction, str]:
    """Return the step for a model, and one sentence that says which it is and why.

    `auto` goes by where the model lies: on a CPU the native step for bfloat16 and PyTorch's for other types, on a CUDA
    device the CUDA step, else the readable one. A native step that cannot be had gives way to PyTorch's; the sentence
    says why. `report` is told what takes a while before it begins.

    Raises:
        EngineError: the kind is unknown, or cannot run where the model lies.
    """
    match kind:
        case "auto":
            if model.device.type == "cpu" and model.dtype == torch.bfloat16:
                return _native_or_other(model, weight_bits=WEIGHT_BITS["native"], report=report)
            return _step_of_device(model)
        case "readable":
            return _readable(model), f"readable step on {model.device}: plain PyTorch, the oracle of the faster steps"
        case "cpu":
            return _cpu(model), f"CPU step: {_how_multiplied(model.dtype)}"
        case "cuda":
            return _cuda(model), f"CUDA step on {model.device}: CUDA graphs, attention over the pool by a Triton kernel"
        case "native" | "native-int8":
            return _native_or_other(model, weight_bits=WEIGHT_BITS[kind], report=report)
    raise EngineError(f"no step is called {kind!r}; choose {', '.join(STEP_KINDS[:-1])} or {STEP_KINDS[-1]}")


def _step_of_device(model: Model) -> tuple[StepFunction, str]:
    device = model.device.type
    return choose_step(model, kind=device if device in STEP_KINDS else "readable")


def _readable(model: Model) -> StepFunction:
    def step(storage: KvStorage, batch: StepBatch) -> torch.Tensor:
        return readable_step(model, storage, batch)

    return step


def _cpu(model: Model) -> StepFunction:
    if model.device.type != "cpu":
        raise EngineError(f"the CPU step needs a model on the CPU, found one on {str(model.device)!r}")
    return CpuStep(model)


def _cuda(model: Model) -> StepFunction:
    try:
        from reference_engine.step.cuda_step import CudaStep  # noqa: PLC0415  # needs Triton, which not all have
    except ModuleNotFoundError as error:  # Triton comes with PyTorch for CUDA, and with no other build
        raise EngineError(
            f"the CUDA step needs {error.name}, which is not installed; install PyTorch for CUDA"
        ) from error
    return CudaStep(model)


def _native_or_other(
    model: Model, *, weight_bits: int, report: Callable[[str], None] | None
) -> tuple[StepFunction, str]:
    from reference_engine.native.native_step import NativeStep  # noqa: PLC0415  # a room that nothing else needs

    try:
        native = NativeStep(model, weight_bits=weight_bits, report=report)
    except EngineError as error:
        step, sentence = _step_of_device(model)
        return step, f"{sentence} ({error})"
    return native, native.sentence


def _how_multiplied(dtype: torch.dtype) -> str:
    name = str(dtype).removeprefix("torch.")
    if can_pack(dtype):
        return f"{name} weights, packed once for oneDNN"
    if dtype == torch.bfloat16:
        return f"{name} weights, packed anew at every step, since oneDNN has no bfloat16 on this machine"
    return f"{name} weights, not packed; bfloat16 is faster"
