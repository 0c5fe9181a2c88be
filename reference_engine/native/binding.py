"""Calls `step.cpp` through ctypes: the same structures, field by field. Knows no tensors' meaning and no compiler."""

import ctypes
from collections.abc import Sequence
from ctypes import POINTER, Structure, byref, c_char_p, c_float, c_int32, c_int64, c_void_p
from pathlib import Path
from typing import Any

import torch

from reference_engine.errors import EngineError

__all__ = ["NativeBatch", "NativeLayer", "NativeLibrary", "NativeShape", "NativeWeights", "address"]


def _fields(ctype: Any, names: str) -> list[tuple[str, Any]]:
    return [(name, ctype) for name in names.split()]


class NativeShape(Structure):
    """The shape of a model, and how to run it."""

    _fields_ = [  # ctypes wants a list
        *_fields(c_int32, "num_layers hidden num_heads num_kv_heads head_dim inner vocabulary num_threads"),
        *_fields(c_int32, "weight_bits sliding_window"),
        *_fields(c_float, "norm_epsilon query_scale"),
    ]


class NativeLayer(Structure):
    """The addresses of a layer's weights."""

    _fields_ = [
        *_fields(c_void_p, "query key value output gate up down"),
        *_fields(c_void_p, "attention_norm mlp_norm query_norm key_norm"),
        *_fields(c_void_p, "query_bias key_bias value_bias output_bias"),
        *_fields(c_int32, "is_sliding"),
    ]


class NativeWeights(Structure):
    """The addresses of what stands beside the layers."""

    _fields_ = [
        *_fields(c_void_p, "embedding output final_norm frequencies"),
        ("layers", POINTER(NativeLayer)),
    ]


class NativeBatch(Structure):
    """The addresses of one step."""

    _fields_ = [
        *_fields(c_int32, "num_rows num_outputs extent"),
        *_fields(c_void_p, "tokens positions slots slot_positions outputs visible entries"),
        *_fields(c_int64, "layer_stride"),
        *_fields(c_void_p, "logits"),
    ]


def address(tensor: torch.Tensor | None) -> int | None:
    """Return where a tensor's numbers lie, one after the other; None where there is no tensor.

    Raises:
        ValueError: they do not lie so.
    """
    if tensor is None:
        return None
    if not tensor.is_contiguous():
        raise ValueError("the native step reads contiguous tensors only")
    return tensor.data_ptr()


class NativeLibrary:
    """A compiled `step.cpp`. Every call that returns a message failed with it."""

    def __init__(self, path: Path) -> None:
        library = ctypes.CDLL(str(path))
        self._open, self._step, self._close = library.native_open, library.native_step, library.native_close
        self._open.restype = self._step.restype = c_char_p
        self._open.argtypes = [POINTER(NativeShape), POINTER(NativeWeights), POINTER(c_void_p)]
        self._step.argtypes = [c_void_p, POINTER(NativeBatch)]
        self._close.argtypes, self._close.restype = [c_void_p], None

    def open(self, shape: NativeShape, weights: NativeWeights, layers: Sequence[NativeLayer]) -> c_void_p:
        """Pack the weights of a model and return its handle.

        Raises:
            EngineError: there is no memory, or the system does not allow the instructions.
        """
        handle = c_void_p()
        weights.layers = (NativeLayer * len(layers))(*layers)
        _check(self._open(byref(shape), byref(weights), byref(handle)))
        return handle

    def step(self, handle: c_void_p, batch: NativeBatch) -> None:
        """Run one step.

        Raises:
            EngineError: there is no memory.
        """
        _check(self._step(handle, byref(batch)))

    def close(self, handle: c_void_p) -> None:
        """Free a model."""
        self._close(handle)


def _check(message: bytes | None) -> None:
    if message is not None:
        raise EngineError(f"the native step does not run: {message.decode()}")
