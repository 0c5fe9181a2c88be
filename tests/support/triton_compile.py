"""Compiles the CUDA step's kernels for GPUs that need not be there: `python -m tests.support.triton_compile`.

Prints a line of JSON a kernel: the target, the shared memory of a program, the registers and stack of a thread, and
whether tensor cores are used. Triton's wheel brings the assembler and the tool that reads its results. Where
TRITON_INTERPRET is set, nothing can be compiled.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from reference_engine.step import pool_attention, pool_writing

__all__ = ["CompiledKernel", "Target", "compile_all"]

WARP_THREADS = 32
POINTERS = {torch.float32: "*fp32", torch.bfloat16: "*bf16", torch.float16: "*fp16"}
TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"


@dataclass(frozen=True, slots=True)
class Target:
    """What a kernel is compiled for; `capability` is 80 for compute capability 8.0."""

    capability: int
    dtype: torch.dtype
    head_dim: int

    @property
    def pointer(self) -> str:
        """Triton's name for a pointer to the model's numbers."""
        return POINTERS[self.dtype]


@dataclass(frozen=True, slots=True)
class CompiledKernel:
    """What the compiler says of a kernel."""

    kernel: str
    capability: int
    dtype: str
    head_dim: int
    tile_queries: int
    num_warps: int
    shared_bytes: int
    registers: int
    stack_bytes: int
    uses_tensor_cores: bool


def compile_all(capabilities: Sequence[int], *, is_quick: bool) -> Iterator[CompiledKernel]:
    """Compile each kernel for each capability; the quick way takes one type and head size."""
    head_dims = (64,) if is_quick else (64, 128, 256)
    dtypes = (torch.bfloat16,) if is_quick else (torch.bfloat16, torch.float16, torch.float32)
    for capability, dtype, head_dim in product(capabilities, dtypes, head_dims):
        target = Target(capability, dtype, head_dim)
        for tile_queries in (16,) if dtype is torch.float32 else (16, 64):
            yield _attention(target, tile_queries)
        yield _uniting(target)
        yield _writing(target)


def _attention(target: Target, tile_queries: int) -> CompiledKernel:
    warps = 8 if tile_queries * target.head_dim >= pool_attention.WIDE_TILE_NUMBERS else 4
    constants = {
        "queries_per_kv_head": 3,
        "head_dim": target.head_dim,
        "padded_dim": target.head_dim,
        "tile_queries": tile_queries,
        "turn_blocks": pool_attention._turn_blocks(target.head_dim * target.dtype.itemsize),
        "block_slots": pool_attention.BLOCK_SLOTS,
        "has_softcap": True,
        "widens": False,
    }
    types = (target.pointer, target.pointer, "*u8", "*i32", "*i32", "*fp32", "*fp32", *["i32"] * 4, "fp32", "fp32")
    options = {"num_warps": warps, **pool_attention.OPTIONS}
    return _compile(pool_attention._attend_tile, target, types=types, constants=constants, options=options)


def _uniting(target: Target) -> CompiledKernel:
    constants = {"num_splits": 8, "head_dim": target.head_dim, "padded_dim": target.head_dim}
    types = ("*fp32", "*fp32", target.pointer, "i32")
    options = {"num_warps": 4, **pool_attention.OPTIONS}
    return _compile(pool_attention._unite_splits, target, types=types, constants=constants, options=options)


def _writing(target: Target) -> CompiledKernel:
    half = target.head_dim // 2
    constants = {"num_queries": 9, "num_kv_heads": 3, "half_dim": half, "padded_half": half, "has_norms": True}
    types = (target.pointer, target.pointer, "*i64", *["*fp32"] * 4, target.pointer, "i32", "fp32")
    return _compile(pool_writing._write_head, target, types=types, constants=constants, options=pool_writing.OPTIONS)


def _compile(
    kernel: Any, target: Target, *, types: Sequence[str], constants: dict[str, int], options: dict[str, Any]
) -> CompiledKernel:
    names = kernel.arg_names
    signature = dict(zip(names, (*types, *["constexpr"] * len(constants)), strict=True))
    source = ASTSource(
        kernel,
        signature,
        constexprs={(names.index(name),): value for name, value in constants.items()},
        attrs={(names.index(name),): [["tt.divisibility", 16]] for name in names if _is_aligned(name, signature[name])},
    )
    compiled = triton.compile(source, target=GPUTarget("cuda", target.capability, WARP_THREADS), options=options)
    registers, stack_bytes = _usage(compiled.asm["cubin"])
    return CompiledKernel(
        kernel=kernel.__name__,
        capability=target.capability,
        dtype=str(target.dtype).removeprefix("torch."),
        head_dim=target.head_dim,
        tile_queries=constants.get("tile_queries", 1),
        num_warps=options["num_warps"],
        shared_bytes=compiled.metadata.shared,
        registers=registers,
        stack_bytes=stack_bytes,
        uses_tensor_cores="mma" in compiled.asm["ptx"],
    )


def _is_aligned(name: str, kind: str) -> bool:
    """Say what the launcher finds out by itself: addresses and strides are multiples of 16."""
    return kind.startswith("*") or name == "slot_stride"


def _usage(machine_code: bytes) -> tuple[int, int]:
    """Return the registers of a thread, and the bytes that did not fit into them."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "kernel.cubin"
        file.write_bytes(machine_code)
        said = subprocess.run([TOOLS / "cuobjdump", "-res-usage", file], capture_output=True, text=True, check=True)
    found = re.search(r"REG:(\d+) STACK:(\d+)", said.stdout)
    if found is None:
        raise ValueError(f"cuobjdump says nothing of registers: {said.stdout!r}")
    return int(found[1]), int(found[2])


def main() -> None:
    """Print what the compiler says of all kernels for the capabilities named, or for 8.0 and 9.0."""
    parser = argparse.ArgumentParser(description="Compile the CUDA step's kernels for GPUs that need not be there.")
    parser.add_argument("capabilities", nargs="*", type=int, default=[80, 90], help="such as 80 or 90")
    parser.add_argument("--quick", action="store_true", help="one type and head size")
    arguments = parser.parse_args()
    for compiled in compile_all(arguments.capabilities, is_quick=arguments.quick):
        sys.stdout.write(json.dumps(asdict(compiled)) + "\n")


if __name__ == "__main__":
    main()
