"""Published decode speeds to compare predictions with. Knows no formula; the numbers are their authors'."""

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

__all__ = ["GPT_FAST", "VLLM", "Published", "read_splitwise"]

SPLITWISE_FILE = "splitwise_perf_model.csv"
SPLITWISE_HARDWARE = {"a100-80gb": "A100-SXM4-80GB", "h100-80gb": "H100-SXM5-80GB"}
SPLITWISE_MODEL = "llama2-70b"
TOKENS = "128"
MEAN_CONTEXT = 512 + 64
SECONDS_PER_MILLISECOND = 1e-3


@dataclass(frozen=True, slots=True)
class Published:
    """A published time of one decode step."""

    case: str
    model: str
    hardware: str
    tensor_parallel: int
    num_lanes: int
    context: int
    seconds: float


# Source: meta-pytorch/gpt-fast@6ecad9b README: one A100-80GB limited to 330 W, batch 1, bfloat16, context not stated.
GPT_FAST = (
    Published("gpt-fast Llama-2-7B A100", "llama-2-7b", "A100-SXM4-80GB", 1, 1, 128, 1 / 104.9),
    Published("gpt-fast Llama-3.1-8B A100", "llama-3.1-8b", "A100-SXM4-80GB", 1, 1, 128, 1 / 93.9),
)
# Source: time of an output token with vLLM 0.21 (the README of the steps' table), and https://johnmusgrave.com/p/
# vllm-throughput-latency-sweep-on (about 75 tok/s); contexts are not stated.
VLLM = (
    Published("vLLM 0.21 Llama-3.1-8B H100", "llama-3.1-8b", "H100-SXM5-80GB", 1, 1, 512, 6.48e-3),
    Published("vLLM Llama-3.1-8B A100-40GB", "llama-3.1-8b", "A100-40GB", 1, 1, 512, 1 / 75),
)


def read_splitwise(folder: Path) -> tuple[Published, ...]:
    """Return Splitwise's mean token times of Llama-2-70B with 512 prompt tokens, by device, degree and batch.

    Source: Patel et al., Splitwise (ISCA 2024), data/perf_model.csv; the context is that in the middle of the decode.
    """
    times: dict[tuple[str, int, int], list[float]] = defaultdict(list)
    with (folder / SPLITWISE_FILE).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            is_wanted = row["model"] == SPLITWISE_MODEL and row["prompt_size"] == "512" and row["token_size"] == TOKENS
            if is_wanted and row["hardware"] in SPLITWISE_HARDWARE:
                key = (row["hardware"], int(row["tensor_parallel"]), int(row["batch_size"]))
                times[key].append(float(row["token_time"]) * SECONDS_PER_MILLISECOND)
    return tuple(
        Published(
            f"Splitwise {name} TP{degree} batch {batch}",
            SPLITWISE_MODEL,
            SPLITWISE_HARDWARE[name],
            degree,
            batch,
            MEAN_CONTEXT,
            fmean(found),
        )
        for (name, degree, batch), found in sorted(times.items())
    )
