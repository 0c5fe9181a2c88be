"""How fast `pasta validate` is on clean data, and how much memory it takes: `python -m benchmarks.validate --quick`.

Speeds count bytes of the file (or of the texts, for functions) a second of processor time, so they are per core, and
whole programs include their start. Peers do less: a regular expression finds tags and checks nothing, expat checks that
XML nests; Lark is the definition itself.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

from benchmarks.answers import annotated_answers, write_json_lines, write_json_lines_of_xml, xml_of
from benchmarks.common import PASTA, Child, Plan, Row, cpu_seconds_of, medians, run_child, run_main
from benchmarks.validate_peers import expat_parse, lark_parse, re_scan
from pasta_toolkit.diagnostics import diagnose

MEGABYTE = 1_000_000
GOAL_MB_PER_S, GOAL_PEAK_MB = 40, 300  # what the project has set itself for clean data on one core
FILE_BYTES, QUICK_FILE_BYTES = 200 * MEGABYTE, 50 * MEGABYTE
SMALL_FILE_BYTES = 2 * MEGABYTE
NUM_TEXTS, NUM_TEXTS_FOR_LARK = 4000, 100
PEERS = Path(__file__).with_name("validate_peers.py")


def benchmark(plan: Plan) -> Iterator[Row]:
    """Measure functions on texts in memory, then whole programs on files."""
    yield from _functions(plan)
    with tempfile.TemporaryDirectory() as folder:
        yield from _programs(plan, Path(folder))


def _functions(plan: Plan) -> Iterator[Row]:
    texts = list(islice(annotated_answers(), NUM_TEXTS))
    xml = [xml_of(text) for text in texts]
    speeds = medians(
        {
            "diagnose": partial(_speed, diagnose, texts),
            "re scan": partial(_speed, re_scan(), texts),
            "expat on XML": partial(_speed, expat_parse(), xml),
            "Lark": partial(_speed, lark_parse(), texts[:NUM_TEXTS_FOR_LARK]),
        },
        plan,
    )
    ours = speeds.pop("diagnose")
    for peer, theirs in speeds.items():
        yield Row.of("texts in memory", "speed", unit="MB/s", ours=ours, peer=peer, theirs=theirs)


def _speed(function: Callable[[str], object], texts: list[str]) -> float:
    num_bytes = sum(len(text.encode()) for text in texts)
    return num_bytes / MEGABYTE / cpu_seconds_of(lambda: [function(text) for text in texts])


def _programs(plan: Plan, folder: Path) -> Iterator[Row]:
    num_bytes = QUICK_FILE_BYTES if plan.is_quick else FILE_BYTES
    clean, xml, small, tiny = (folder / name for name in ("clean.jsonl", "xml.jsonl", "small.jsonl", "tiny.jsonl"))
    write_json_lines(clean, num_bytes)
    write_json_lines(small, SMALL_FILE_BYTES)
    write_json_lines(tiny, 1)
    write_json_lines_of_xml(xml, num_bytes)
    case = f"clean file of {num_bytes // MEGABYTE} MB"
    programs = {
        "ours": (clean, (*PASTA, "validate", str(clean))),
        "re scan": (clean, (sys.executable, str(PEERS), "re", str(clean))),
        "expat on XML": (xml, (sys.executable, str(PEERS), "expat", str(xml))),
        "ours, 2 jobs": (clean, (*PASTA, "validate", str(clean), "--jobs", "2")),
    }
    runs: dict[str, list[Child]] = {name: [] for name in programs}
    speeds = medians({name: partial(_file_speed, runs[name], *program) for name, program in programs.items()}, plan)
    for peer, theirs in {"goal": GOAL_MB_PER_S, **speeds}.items():
        if not peer.startswith("ours"):
            yield Row.of(case, "speed", unit="MB/s", ours=speeds["ours"], peer=peer, theirs=theirs)
    walls_s = {name: median(child.wall_s for child in children[1:]) for name, children in runs.items()}
    ours, theirs = walls_s["ours, 2 jobs"], walls_s["ours"]
    yield Row.of(case, "wall, 2 jobs", unit="s", ours=ours, peer="ours, 1 job", theirs=theirs, is_cost=True)
    peaks_mb = {
        "goal": GOAL_PEAK_MB,
        "re scan": _peak_mb(runs["re scan"]),
        "ours, file of 2 MB": _peak_mb([run_child((*PASTA, "validate", str(small)))]),
    }
    for peer, peak_mb in peaks_mb.items():
        ours = _peak_mb(runs["ours"])
        yield Row.of(case, "peak memory", unit="MB", ours=ours, peer=peer, theirs=peak_mb, is_cost=True)
    yield from _starts(plan, tiny)


def _starts(plan: Plan, tiny: Path) -> Iterator[Row]:
    programs = {
        "ours": (*PASTA, "validate", str(tiny)),
        "pasta --help": (*PASTA, "--help"),
        "python -c pass": (sys.executable, "-c", "pass"),
    }
    cpu_s = medians({name: partial(_cpu_s, arguments) for name, arguments in programs.items()}, plan)
    for peer in ("pasta --help", "python -c pass"):
        ours, theirs = cpu_s["ours"], cpu_s[peer]
        yield Row.of(
            "file of one record", "processor time", unit="s", ours=ours, peer=peer, theirs=theirs, is_cost=True
        )


def _file_speed(runs: list[Child], path: Path, arguments: tuple[str, ...]) -> float:
    runs.append(run_child(arguments))
    return path.stat().st_size / MEGABYTE / runs[-1].cpu_s


def _cpu_s(arguments: tuple[str, ...]) -> float:
    return run_child(arguments).cpu_s


def _peak_mb(children: list[Child]) -> float:
    return max(child.peak_memory_bytes for child in children) / MEGABYTE


if __name__ == "__main__":
    run_main(__doc__ or "", benchmark)
