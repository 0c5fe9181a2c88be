"""Switches Triton's interpreter on where there is no GPU, before anything imports Triton (transformers does)."""

from tests.support.cuda_device import interpret_without_gpu

interpret_without_gpu()
