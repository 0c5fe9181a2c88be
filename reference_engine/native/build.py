"""Compiles `step.cpp` at first use, into a cache. Knows processors and compilers, nothing of models.

The cache's key is a digest of the source and the flags, so that a change of either compiles anew. `PASTA_NATIVE_FLAGS`
adds flags, such as those of a sanitizer.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from pasta_toolkit.user_cache import cache_folder
from reference_engine.errors import EngineError

__all__ = ["INSTRUCTION_SETS", "build_library", "instruction_set"]

SOURCE = Path(__file__).with_name("step.cpp")
CPU_INFO = Path("/proc/cpuinfo")
COMMON_FLAGS = (
    "-std=c++17",
    "-O3",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-Wno-psabi",
    "-shared",
    "-fPIC",
    "-pthread",
)
COMPILERS = ("g++", "c++")
FLAGS_VARIABLE = "PASTA_NATIVE_FLAGS"
MOST_LINES = 3  # of a compiler's complaint

AVX512 = ("avx512f", "avx512bw", "avx512dq", "avx512vl", "fma")
# From the fastest to the slowest: what /proc/cpuinfo calls the instructions that each needs.
INSTRUCTION_SETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"amx": (*AVX512, "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8"), "avx512": AVX512, "avx2": ("avx2", "fma")}
)


def instruction_set(cpu_info: Path = CPU_INFO) -> str:
    """Return the fastest instruction set of this processor: amx, avx512 or avx2.

    Raises:
        EngineError: it has none of them, or the system does not say.
    """
    if platform.machine() not in {"x86_64", "AMD64"} or not cpu_info.is_file():
        raise EngineError(f"the native step needs Linux on an x86 processor, found {platform.system()}")
    lines = cpu_info.read_text(encoding="utf-8").splitlines()
    flags = {flag for line in lines if line.startswith("flags") for flag in line.partition(":")[2].split()}
    for name, needed in INSTRUCTION_SETS.items():
        if flags.issuperset(needed):
            return name
    raise EngineError("the native step needs a processor with AVX2")


def build_library(instructions: str, *, report: Callable[[str], None] | None = None) -> Path:
    """Return the compiled library for an instruction set, compiled now unless it is in the cache.

    `report` is told when it has to be compiled.

    Raises:
        EngineError: there is no compiler, it fails, or the cache cannot be written.
    """
    flags = [*COMMON_FLAGS, *map(_flag, INSTRUCTION_SETS[instructions])]
    flags += os.environ.get(FLAGS_VARIABLE, "").split()
    digest = hashlib.sha256("\0".join([*flags, SOURCE.read_text(encoding="utf-8")]).encode()).hexdigest()
    path = cache_folder("native") / f"step-{instructions}-{digest[:16]}.so"
    if not path.is_file():
        compiler = _compiler()
        if report is not None:
            report("compiling the native step for this processor, once; it takes about ten seconds")
        _compile(compiler, flags, path)
    return path


def _flag(instructions: str) -> str:
    """Return what compilers call instructions that /proc/cpuinfo calls so."""
    return "-m" + instructions.replace("avx512_", "avx512").replace("_", "-")


def _compiler() -> str:
    named = os.environ.get("CXX")
    found = next((name for name in ([named] if named else COMPILERS) if shutil.which(name)), None)
    if found is None:
        missing = f"CXX names {named!r}, which is not" if named else f"none of {', '.join(COMPILERS)} is"
        raise EngineError(f"the native step is compiled at first use, and {missing} installed")
    return found


def _compile(compiler: str, flags: list[str], path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:  # so that nobody loads half a library
            target = Path(folder) / path.name
            done = subprocess.run(  # noqa: S603  # the compiler that the system or the user names
                [compiler, *flags, str(SOURCE), "-o", str(target)], capture_output=True, text=True, check=False
            )
            if done.returncode:
                complaint = " ".join(done.stderr.strip().splitlines()[:MOST_LINES])
                raise EngineError(f"{compiler} cannot compile the native step: {complaint}")
            target.replace(path)
    except OSError as error:
        raise EngineError(f"cannot write the native step's library {str(path)!r}: {error}") from error
