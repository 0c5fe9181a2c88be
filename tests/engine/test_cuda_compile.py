"""The kernels compile for GPUs that are not here: the interpreter knows neither types, nor registers, nor memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="triton is not installed")

ROOT = Path(__file__).parents[2]
LEAST_SHARED_BYTES = (
    99 * 1024
)  # what a program may have on the smallest of the GPUs since Ampere (compute capability 8.6)


@pytest.mark.skipif(sys.platform != "linux", reason="Triton compiles for CUDA on Linux only")
def test_kernels_compile_for_hopper_within_registers_and_memory(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    compiled = subprocess.run(
        [sys.executable, "-m", "tests.support.triton_compile", "--quick", "90"],
        cwd=ROOT,
        env=environment | {"TRITON_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    kernels = [json.loads(line) for line in compiled.stdout.splitlines()]
    assert [kernel["kernel"] for kernel in kernels] == ["_attend_tile", "_attend_tile", "_unite_splits", "_write_head"]
    for kernel in kernels:
        assert kernel["shared_bytes"] <= LEAST_SHARED_BYTES
        assert kernel["stack_bytes"] == 0
        assert kernel["uses_tensor_cores"] == (kernel["kernel"] == "_attend_tile")
