"""Where the CUDA step's tests run: on a GPU, and where there is none in Triton's interpreter on the CPU."""

import os
import sys

import pytest
import torch

__all__ = ["DEVICE", "interpret_without_gpu", "needs_cuda"]

HAS_CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if HAS_CUDA else "cpu")
VARIABLE = "TRITON_INTERPRET"

needs_cuda = pytest.mark.skipif(not HAS_CUDA, reason="no CUDA device")


def interpret_without_gpu() -> None:
    """Have Triton interpret kernels where no GPU could run them.

    Raises:
        RuntimeError: Triton is imported already, and has made up its mind.
    """
    if HAS_CUDA or VARIABLE in os.environ:
        return
    if "triton" in sys.modules:
        raise RuntimeError(f"Triton was imported too early for its interpreter; set {VARIABLE}=1 for the whole run")
    os.environ[VARIABLE] = "1"
