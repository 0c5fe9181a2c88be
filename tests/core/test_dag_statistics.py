import csv
import io
import json
import math
import statistics
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasta_toolkit.dag import Measures
from pasta_toolkit.dag.drawing import PlotError, plot_data_set
from pasta_toolkit.dag.statistics import (
    QUANTILES,
    DataSet,
    Grid,
    MeasureTable,
    csv_of_documents,
    csv_of_summaries,
    distribution_grid,
    geometric_mean,
    group_grid,
    markdown_grid,
    plain_grid,
    summarise,
    summary_document,
    totals_grid,
)
from tests.support.dag_strategies import LIGHT

PNG = b"\x89PNG"
SEQUENTIAL = Measures(100, 100, 100, 0, 1, 0, 0, 0)
TWICE = Measures(200, 100, 240, 40, 3, 2, 1, 1)
EIGHT_TIMES = Measures(800, 100, 900, 100, 9, 8, 1, 0)
EMPTY = Measures(0, 0, 0, 0, 0, 0, 0, 0)
TAGS_ALONE = Measures(0, 20, 20, 20, 1, 1, 1, 0)

measures_of_any_document = st.builds(
    lambda sequential, critical, beside, tags, width, promises: Measures(
        sequential, critical, critical + beside, min(tags, critical + beside), width, promises, promises, 0
    ),
    st.integers(0, 500),
    st.integers(0, 500),
    st.integers(0, 500),
    st.integers(0, 500),
    st.integers(1, 20),
    st.integers(0, 20),
)


def table_of(*documents: Measures) -> MeasureTable:
    table = MeasureTable()
    for measures in documents:
        table.add(measures)
    return table


def data_set_of(**documents: Measures) -> DataSet:
    data_set = DataSet(keeps_details=True)
    for value, measures in documents.items():
        data_set.add(measures, value=value, name={"path": "a.jsonl", "record": 1})
    return data_set


def test_averages_are_geometric_means_without_empty_documents() -> None:
    summary = summarise(table_of(SEQUENTIAL, TWICE, EIGHT_TIMES, EMPTY, TAGS_ALONE))
    assert (summary.documents, summary.empty_documents, summary.sequential_documents) == (5, 2, 1)
    assert summary.geomean_ideal_speedup == pytest.approx(16 ** (1 / 3))
    assert summary.geomean_ideal_speedup_with_promises == pytest.approx(4)
    assert summary.geomean_parallelism == pytest.approx((1 * 2.4 * 9) ** (1 / 3))
    assert summary.sequential_share == pytest.approx(1 / 3)


def test_tag_overhead_is_that_of_all_tokens_together() -> None:
    summary = summarise(table_of(SEQUENTIAL, TWICE, TAGS_ALONE))
    assert summary.tag_overhead == pytest.approx((40 + 20) / (100 + 240 + 20))


def test_no_document_has_no_averages() -> None:
    for table in (table_of(), table_of(EMPTY)):
        summary = summarise(table)
        assert summary.geomean_ideal_speedup is None
        assert summary.sequential_share is None
        assert summary.tag_overhead == 0
        assert summary.distributions == {}
        json.dumps(summary_document(summary), allow_nan=False)


@LIGHT
@given(st.lists(measures_of_any_document, min_size=1, max_size=30))
def test_sums_means_and_quantiles_are_those_of_plain_python_and_numpy(documents: list[Measures]) -> None:
    summary = summarise(table_of(*documents))
    full = [measures for measures in documents if measures.sequential_tokens and measures.critical_path_tokens]
    assert summary.empty_documents == len(documents) - len(full)
    assert summary.decoded_tokens == sum(measures.decoded_tokens for measures in documents)
    if full:
        speedups = [measures.sequential_tokens / measures.critical_path_tokens for measures in full]
        assert summary.geomean_ideal_speedup == pytest.approx(statistics.geometric_mean(speedups))
        assert summary.slower_documents == sum(speedup < 1 for speedup in speedups)
        found = summary.distributions["ideal_speedup"].quantiles
        assert list(found.values()) == pytest.approx(numpy.quantile(speedups, list(QUANTILES.values())).tolist())
        assert summary.distributions["width"].mean == pytest.approx(numpy.mean([item.width for item in full]))


@LIGHT
@given(st.lists(measures_of_any_document, max_size=20))
def test_a_table_gives_back_what_was_added(documents: list[Measures]) -> None:
    table = table_of(*documents)
    assert list(table) == documents
    assert len(table) == len(documents)


@LIGHT
@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=20))
def test_the_geometric_mean_does_not_depend_on_the_order(values: list[float]) -> None:
    assert geometric_mean(values) == geometric_mean(reversed(values))
    assert min(values) * 0.999999 <= geometric_mean(values) <= max(values) * 1.000001


def test_the_theoretical_speedup_has_the_baseline_for_its_numerator() -> None:
    table = MeasureTable()
    table.add(TWICE, baseline_tokens=400)
    table.add(TWICE, baseline_tokens=100)
    table.add(TWICE, baseline_tokens=0)
    table.add(EMPTY, baseline_tokens=50)
    table.add(TWICE)
    summary = summarise(table)
    assert summary.geomean_theoretical_speedup == pytest.approx(math.sqrt(4 * 1))
    assert (summary.documents_with_baseline, summary.empty_baselines) == (2, 1)
    assert "1 empty baselines left out" in plain_grid(totals_grid(summary))


def test_groups_come_in_the_order_of_their_values_and_add_up() -> None:
    data_set = data_set_of(b=TWICE, a=SEQUENTIAL, c=EMPTY)
    summaries = data_set.summaries()
    assert list(summaries) == ["a", "b", "c"]
    assert sum(summary.documents for summary in summaries.values()) == data_set.summary().documents
    assert summaries["c"].geomean_ideal_speedup is None
    assert [row[:4] for row in group_grid(summaries, field="model").rows] == [
        ("a", "1", "0", "1.00"),
        ("b", "1", "0", "2.00"),
        ("c", "1", "1", "-"),
    ]


def test_details_are_kept_only_if_asked_for() -> None:
    forgetful = DataSet()
    forgetful.add(TWICE, name={"path": "a.jsonl", "record": 1})
    assert forgetful.details == []
    assert data_set_of(a=TWICE).details[0]["ideal_speedup"] == 2


def test_a_plain_table_aligns_numbers_to_the_right_and_words_to_the_left() -> None:
    grid = Grid("Title", ("name", "number", "word"), (("a", "1.00", "x"), ("睡眠", "-", "long")))
    assert plain_grid(grid) == "Title\nname  number  word\na       1.00  x\n睡眠       -  long\n"


def test_a_table_without_rows_is_its_head() -> None:
    assert plain_grid(Grid("Title", ("name", "number"), ())) == "Title\nname  number\n"


def test_a_markdown_table_has_no_cell_that_breaks_it() -> None:
    grid = Grid("T", ("name", "number"), (("a|b\\\n`c`", "1"),))
    assert markdown_grid(grid) == "**T**\n\n| name | number |\n| :-- | --: |\n| a\\|b\\\\ \\`c\\` | 1 |\n"


def test_csv_of_summaries_has_a_column_for_every_number() -> None:
    summary = summarise(table_of(SEQUENTIAL, TWICE))
    (row,) = csv.DictReader(io.StringIO(csv_of_summaries([("(all)", summary)])))
    assert row["value"] == "(all)"
    assert float(row["quantiles_ideal_speedup_median"]) == pytest.approx(1.5)
    assert row["geomean_theoretical_speedup"] == ""
    assert None not in row.values()


def test_csv_keeps_rows_of_different_keys_apart() -> None:
    text = csv_of_documents([{"a": 1}, {"a": 2, "b": "x,y"}, {"b": None}])
    assert text == 'a,b\n1,\n2,"x,y"\n,\n'


def test_a_csv_of_no_documents_is_empty() -> None:
    assert csv_of_documents([]).strip() == ""


def test_the_distribution_names_every_measure() -> None:
    rows = distribution_grid(summarise(table_of(TWICE))).rows
    assert [row[0] for row in rows] == [
        "ideal speed-up",
        "parallelism",
        "width (threads)",
        "promises a document",
        "tag overhead",
    ]


def test_plots_are_drawn_with_groups_of_any_name_and_without_a_warning(tmp_path) -> None:
    names = ("_hidden", "$x_$", "睡眠", "x" * 90, "d", "e", "f", "g", "h")
    data_set = data_set_of(**{name: replace(TWICE, width=width + 1) for width, name in enumerate(names)})
    data_set.add(EMPTY, value="empty", name={"path": "a.jsonl", "record": 2})
    folder = tmp_path / "new" / "plots"
    files = plot_data_set(data_set, folder, by="_model$")
    assert files == [
        str(folder / f"{name}.png") for name in ("ideal_speedup", "parallelism", "width", "promises", "tag_overhead")
    ]
    assert all(Path(name).read_bytes().startswith(PNG) for name in files)


def test_nothing_to_plot_is_an_error(tmp_path) -> None:
    with pytest.raises(PlotError, match="no document with an answer in it was measured"):
        plot_data_set(data_set_of(a=EMPTY), tmp_path)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(PlotError, match="cannot write"):
        plot_data_set(data_set_of(a=TWICE), tmp_path / "file" / "plots")
