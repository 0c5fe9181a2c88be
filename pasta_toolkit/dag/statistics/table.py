"""Collects the measures of a data set, a row a document. Holds counts, no texts, so a large data set stays small."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from pasta_toolkit.dag.measures import Measures

__all__ = ["MeasureTable"]

COUNTS = tuple(item.name for item in fields(Measures))


def _integers() -> "array[int]":
    return array("q")


def _floats() -> "array[float]":
    return array("d")


@dataclass(slots=True)
class MeasureTable:
    """Measures of many documents. State: it grows by `add`, so that a data set can be read as a stream.

    `theoretical_speedups` has a value for each document that is compared with a baseline, where neither is empty;
    `num_empty_baselines` counts the documents whose baseline is empty.
    """

    columns: dict[str, "array[int]"] = field(default_factory=lambda: {name: _integers() for name in COUNTS})
    theoretical_speedups: "array[float]" = field(default_factory=_floats)
    num_empty_baselines: int = 0

    def add(self, measures: Measures, *, baseline_tokens: int | None = None) -> None:
        """Add one document and, if there is one, the tokens of the answer that it is compared with."""
        for name, column in self.columns.items():
            column.append(getattr(measures, name))
        if baseline_tokens == 0:
            self.num_empty_baselines += 1
        elif baseline_tokens is not None and not measures.is_empty:
            self.theoretical_speedups.append(measures.theoretical_speedup(baseline_tokens))

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self.columns[COUNTS[0]])

    def __iter__(self) -> Iterator[Measures]:
        """Give the measures back, in order."""
        return (Measures(*row) for row in zip(*self.columns.values(), strict=True))
