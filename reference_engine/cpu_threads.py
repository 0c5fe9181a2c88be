"""How many threads PyTorch should use on a CPU: one a physical core that this process may run on."""

import os
from pathlib import Path

__all__ = ["num_physical_cores"]

CPU_INFO = Path("/proc/cpuinfo")


def num_physical_cores(cpu_info: Path = CPU_INFO) -> int:
    """Return the number of physical cores, at most the processors that the process may use.

    Two threads on one core share its vector units, so that matrix products gain nothing from the second.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cores = _listed_cores(cpu_info.read_text(encoding="utf-8")) if cpu_info.is_file() else 0
    return min(cores, usable) if cores else usable


def _listed_cores(text: str) -> int:
    """Count the pairs of socket and core; 0 where the system does not tell them."""
    cores = set()
    for processor in text.split("\n\n"):
        fields = dict(line.split(":", 1) for line in processor.splitlines() if ":" in line)
        named = {name.strip(): value.strip() for name, value in fields.items()}
        if "physical id" in named and "core id" in named:
            cores.add((named["physical id"], named["core id"]))
    return len(cores)
