"""Reads recorded loads: when requests came, how long their prompts and answers were. Knows no answers' structure.

Formats, told apart by their columns or keys:

- Azure (CSV): TIMESTAMP, ContextTokens, GeneratedTokens
- Mooncake (JSON Lines): timestamp in ms, input_length, output_length, hash_ids of blocks of 512 tokens
- Mooncake lengths (CSV): timestamp_ms, input_length, output_length, prefix_hit_blocks
- a vLLM log (CSV): request_id, input_toks, output_toks, queued_s; first_token_s and last_token_s say how it went
- the same as LLMServingSim writes it (JSON Lines): queued_ts, first_token_ts, last_token_ts
- our own (CSV): arrival_s, prompt_tokens, output_tokens
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from grammar import PastaError
from simulator.prefix_cache import PromptPrefix

__all__ = ["RecordedRequest", "TraceFileError", "read_recorded"]

NANOSECONDS_PER_SECOND = 1_000_000_000
NANOSECONDS_PER_MILLISECOND = 1_000_000
MOONCAKE_BLOCK_TOKENS = 512  # Source: Mooncake, FAST'25, section on the released trace


class TraceFileError(PastaError):
    """Report a load file that cannot be read, or holds no request."""


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request of a recorded load; times count from the first arrival.

    `block_hashes` name blocks of the prompt. `first_token_ns` and `completion_ns` are what the log says of its end.
    """

    at_ns: int
    prompt_tokens: int
    output_tokens: int
    block_hashes: tuple[int, ...] = ()
    cached_tokens: int = 0
    first_token_ns: int | None = None
    completion_ns: int | None = None

    @property
    def prefix(self) -> PromptPrefix:
        """Return what the record says of the prompt's beginning."""
        return PromptPrefix(self.block_hashes, MOONCAKE_BLOCK_TOKENS, self.cached_tokens)

    @property
    def decode_ns(self) -> int | None:
        """Return how long the tokens after the first took; None where that was not recorded."""
        if self.first_token_ns is None or self.completion_ns is None:
            return None
        return self.completion_ns - self.first_token_ns

    def since(self, start_ns: int) -> "RecordedRequest":
        """Return the same request with its times counted from `start_ns`."""
        first = None if self.first_token_ns is None else self.first_token_ns - start_ns
        last = None if self.completion_ns is None else self.completion_ns - start_ns
        return replace(self, at_ns=self.at_ns - start_ns, first_token_ns=first, completion_ns=last)


_Row: TypeAlias = Mapping[str, Any]
_Reading: TypeAlias = Callable[[_Row], RecordedRequest]


def read_recorded(path: Path, *, limit: int | None = None) -> tuple[RecordedRequest, ...]:
    """Read the first `limit` requests of a file, in order of arrival.

    Raises:
        TraceFileError: no such file, no known format, a row that is none, or no request at all.
    """
    if not path.is_file():
        raise TraceFileError(f"no load file {str(path)!r}")
    found: list[RecordedRequest] = []
    for number, row in _rows(path):
        if limit is not None and len(found) == limit:
            break
        found.append(_request(path, number, row))
    if not found:
        raise TraceFileError(f"the load file {str(path)!r} holds no request")
    found.sort(key=lambda request: request.at_ns)
    first = found[0].at_ns
    return tuple(request.since(first) for request in found)


def _rows(path: Path) -> Iterator[tuple[int, _Row]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        if path.suffix != ".jsonl":
            yield from enumerate(csv.DictReader(stream), start=2)
            return
        for number, line in enumerate(stream, start=1):
            try:
                yield number, json.loads(line)
            except json.JSONDecodeError as error:
                raise TraceFileError(f"{path}, line {number}: no JSON: {error}") from error


def _request(path: Path, number: int, row: _Row) -> RecordedRequest:
    reading = _reading(path, row)
    try:
        request = reading(row)
    except TypeError as error:
        raise TraceFileError(f"{path}, line {number}: a value is missing or no number") from error
    except (KeyError, ValueError) as error:
        raise TraceFileError(f"{path}, line {number}: {error}") from error
    if request.prompt_tokens < 1 or request.output_tokens < 0:
        raise TraceFileError(
            f"{path}, line {number}: a prompt has at least 1 token and an answer at least 0, "
            f"found {request.prompt_tokens} and {request.output_tokens}"
        )
    return request


def _reading(path: Path, row: _Row) -> _Reading:
    for keys, reading in _FORMATS:
        if all(key in row for key in keys):
            return reading
    known = "; ".join(", ".join(keys) for keys, _ in _FORMATS)
    raise TraceFileError(f"{path} has columns {', '.join(map(str, row))}; known are: {known}")


def _azure(row: _Row) -> RecordedRequest:
    stamp, _, fraction = row["TIMESTAMP"].partition(".")
    whole = datetime.fromisoformat(stamp + "+00:00").timestamp()
    nanoseconds = int(fraction.ljust(9, "0")[:9]) if fraction else 0
    at_ns = int(whole) * NANOSECONDS_PER_SECOND + nanoseconds
    return RecordedRequest(at_ns, int(row["ContextTokens"]), int(row["GeneratedTokens"]))


def _mooncake(row: _Row) -> RecordedRequest:
    at_ns = round(row["timestamp"] * NANOSECONDS_PER_MILLISECOND)
    return RecordedRequest(at_ns, int(row["input_length"]), int(row["output_length"]), tuple(row["hash_ids"]))


def _mooncake_lengths(row: _Row) -> RecordedRequest:
    prompt = int(row["input_length"])
    cached = min(int(row["prefix_hit_blocks"]) * MOONCAKE_BLOCK_TOKENS, prompt - 1)
    at_ns = round(float(row["timestamp_ms"]) * NANOSECONDS_PER_MILLISECOND)
    return RecordedRequest(at_ns, prompt, int(row["output_length"]), cached_tokens=cached)


def _vllm(row: _Row, *, unit: str = "s") -> RecordedRequest:
    first, last = row.get(f"first_token_{unit}"), row.get(f"last_token_{unit}")
    return RecordedRequest(
        _seconds(row[f"queued_{unit}"]),
        int(row["input_toks"]),
        int(row["output_toks"]),
        first_token_ns=_seconds(first) if first else None,
        completion_ns=_seconds(last) if last else None,
    )


def _own(row: _Row) -> RecordedRequest:
    return RecordedRequest(_seconds(row["arrival_s"]), int(row["prompt_tokens"]), int(row["output_tokens"]))


def _seconds(text: str | float) -> int:
    return round(float(text) * NANOSECONDS_PER_SECOND)


_FORMATS: Sequence[tuple[tuple[str, ...], _Reading]] = (
    (("TIMESTAMP", "ContextTokens", "GeneratedTokens"), _azure),
    (("timestamp", "input_length", "output_length", "hash_ids"), _mooncake),
    (("timestamp_ms", "input_length", "output_length", "prefix_hit_blocks"), _mooncake_lengths),
    (("input_toks", "output_toks", "queued_s"), _vllm),
    (("input_toks", "output_toks", "queued_ts"), partial(_vllm, unit="ts")),
    (("arrival_s", "prompt_tokens", "output_tokens"), _own),
)
