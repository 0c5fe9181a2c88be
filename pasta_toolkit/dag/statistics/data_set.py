"""What is known of a data set: the measures of all its documents, by the values of a field too, and single ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pasta_toolkit.dag.export import measures_document
from pasta_toolkit.dag.measures import Measures
from pasta_toolkit.dag.statistics.summary import Summary, summarise
from pasta_toolkit.dag.statistics.table import MeasureTable

__all__ = ["DataSet"]


@dataclass(slots=True)
class DataSet:
    """Measures of a data set. State: it grows by `add`. Details are kept only if `keeps_details`."""

    keeps_details: bool = False
    table: MeasureTable = field(default_factory=MeasureTable)
    tables_by_value: dict[str, MeasureTable] = field(default_factory=dict)
    details: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        measures: Measures,
        *,
        value: str | None = None,
        baseline_tokens: int | None = None,
        name: Mapping[str, Any],
    ) -> None:
        """Add one document; `value` is that of the field to group by, `name` says in its details which one it is."""
        self.table.add(measures, baseline_tokens=baseline_tokens)
        if value is not None:
            table = self.tables_by_value.setdefault(value, MeasureTable())
            table.add(measures, baseline_tokens=baseline_tokens)
        if self.keeps_details:
            self.details.append({**name, **_detail(measures, value, baseline_tokens)})

    def summary(self) -> Summary:
        """Sum up all documents."""
        return summarise(self.table)

    def summaries(self) -> dict[str, Summary]:
        """Sum up the documents of each value, in the order of the values."""
        return {value: summarise(self.tables_by_value[value]) for value in sorted(self.tables_by_value)}


def _detail(measures: Measures, value: str | None, baseline_tokens: int | None) -> dict[str, Any]:
    group = {} if value is None else {"group": value}
    if baseline_tokens is None:
        return {**group, **measures_document(measures)}
    speedup = measures.theoretical_speedup(baseline_tokens)
    baseline = {"baseline_tokens": baseline_tokens, "theoretical_speedup": speedup}
    return {**group, **measures_document(measures), **baseline}
