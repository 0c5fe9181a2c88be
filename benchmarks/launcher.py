"""Runs a program and prints what it took as JSON: `python -S launcher.py PROGRAM ARGUMENT...`.

It is a small process of its own since Linux counts the memory of the process that starts another, up to the exec, into
the peak memory of the started one. `ru_maxrss` of wait4(2) is in KiB on Linux and in bytes on macOS.
"""

import os
import sys
import time

BYTES_PER_UNIT = 1 if sys.platform == "darwin" else 1024


def main(arguments: list[str]) -> None:
    """Run the program with its output thrown away."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    actions = [(os.POSIX_SPAWN_DUP2, nowhere, 1), (os.POSIX_SPAWN_DUP2, nowhere, 2)]
    begin = time.perf_counter()
    process = os.posix_spawn(arguments[0], arguments, os.environ, file_actions=actions)
    _, status, usage = os.wait4(process, 0)
    wall_s = time.perf_counter() - begin
    peak_memory_bytes = usage.ru_maxrss * BYTES_PER_UNIT
    took = {"wall_s": wall_s, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_memory_bytes": peak_memory_bytes}
    print(str({**took, "exit_code": os.waitstatus_to_exitcode(status)}).replace("'", '"'))


if __name__ == "__main__":
    main(sys.argv[1:])
