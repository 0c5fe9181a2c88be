import csv
import io
import json

import pytest
from hypothesis import given, settings

from pasta_toolkit.report.chrome_trace import chrome_trace
from pasta_toolkit.report.data import csv_text, json_content
from pasta_toolkit.report.html import html
from pasta_toolkit.report.load import BreakEven, LoadPoint, quantiles
from pasta_toolkit.report.plots import PlotError, plots, write_plots
from pasta_toolkit.report.prediction import LOSS_TERMS, LossAccount, Prediction
from pasta_toolkit.report.rows import grids
from pasta_toolkit.report.simulation import SimulationReport, summarise
from pasta_toolkit.report.text import markdown, text
from pasta_toolkit.report.timeline import timeline_of
from pasta_toolkit.runtime import Request, Scheduler
from tests.support.sim_driver import drive
from tests.support.sim_outlines import Outline, OutlineBranch, OutlineGroup, outlines, script_of_outline

LEVELS = tuple(range(400_000_000, 400_000_000 + 50_000_000 * (len(LOSS_TERMS) + 1), 50_000_000))
TWO_BRANCHES = Outline((OutlineGroup((OutlineBranch(3, 5, 40), OutlineBranch(2, 5, 20)), 6, 2),), 10)


def timeline(outline=TWO_BRANCHES):
    events = drive(Scheduler(), [(0, Request("answer <1>", 7), script_of_outline(outline))])
    return timeline_of(events, "answer <1>")


def prediction(name, strategy, latency_ns, *, loss=None):
    return Prediction(name, strategy, latency_ns, 10_000_000, 2_000_000_000, 200, 230, 2.0, 100, loss)


def report():
    loss = LossAccount(LEVELS)
    predictions = [
        prediction("one | two", "sequential", 2_000_000_000),
        prediction("one | two", "pasta", LEVELS[-1], loss=loss),
        prediction("three", "sequential", 2_000_000_000),
        prediction("three", "pasta", LEVELS[-1] // 2, loss=LossAccount(tuple(level // 2 for level in LEVELS))),
    ]
    times = quantiles([1_000_000_000, 2_000_000_000])
    point = LoadPoint("pasta", 4.0, 2, times, times, times, times, 100.0, 1.5, 0.5, 10.0, 20, None, 0, 1.4)
    about = (("model", "tiny & <small>"),)
    return SimulationReport(
        about, tuple(predictions), summarise(predictions), (point,), (BreakEven("pasta", 4.0, None),), timeline()
    )


def test_a_summary_has_geometric_means_and_a_waterfall_from_perfect_to_predicted():
    sequential, pasta = report().summaries
    speedup = 2_000_000_000 / LEVELS[-1]
    assert sequential.geomean_speedup == 1
    assert pasta.geomean_speedup == pytest.approx((speedup * 2 * speedup) ** 0.5)
    assert pasta.waterfall[0].name == "perfect"
    assert pasta.waterfall[-1].speedup == pytest.approx(pasta.geomean_speedup)
    product = pasta.waterfall[0].speedup
    for step in pasta.waterfall[1:]:
        product *= step.factor
    assert product == pytest.approx(pasta.geomean_speedup)


def test_an_account_of_another_length_is_refused():
    with pytest.raises(ValueError, match="an account has 13 levels, found 2"):
        LossAccount((1, 2))


def test_json_has_the_keys_that_other_tools_rely_on():
    content = json.loads(json.dumps(json_content(report())))
    row = content["rows"][1]
    assert {"document", "strategy", "latency_s", "ttft_s", "speedup", "ideal_speedup", "loss"} <= row.keys()
    assert row["perfect_s"] + sum(row["loss"].values()) == pytest.approx(row["latency_s"])
    assert content["summary"]["pasta"]["geomean_speedup"] > 1
    assert content["load"][0]["rate_per_s"] == 4.0
    assert content["break_even"] == [{"strategy": "pasta", "low_per_s": 4.0, "high_per_s": None}]


def test_csv_reads_back():
    rows = list(csv.DictReader(io.StringIO(csv_text(report()))))
    assert [row["document"] for row in rows] == ["one | two", "one | two", "three", "three"]
    assert float(rows[1]["latency_s"]) == LEVELS[-1] / 1e9


def test_text_and_markdown_show_all_tables():
    for shown_text in (text(report()), markdown(report())):
        assert "Where the speed-up of pasta goes" in shown_text
        assert "Under load" in shown_text
        assert "pasta pays at every simulated rate, up to 4 requests/s." in shown_text


def test_html_is_one_file_without_network_and_escapes_what_it_shows():
    page = html(report())
    assert "tiny &amp; &lt;small&gt;" in page
    assert page.count("<svg") == 5
    for outside in ('src="http', 'href="http', "<script", "@import", "<link"):
        assert outside not in page


def test_plots_are_the_same_bytes_each_time(tmp_path):
    drawn = plots(report())
    assert set(drawn) == {"speedups.svg", "pareto.svg", "waterfall_pasta.svg", "timeline.svg", "load.svg"}
    assert {path.name: path.read_bytes() for path in write_plots(report(), tmp_path / "plots")} == drawn
    with pytest.raises(PlotError, match="plots are written as svg or png, not as 'gif'"):
        write_plots(report(), tmp_path, suffix="gif")


@given(outlines())
@settings(max_examples=30, deadline=None)
def test_a_chrome_trace_has_a_track_for_each_thread_and_an_arrow_for_each_fork_and_join(outline):
    made = timeline(outline)
    events = json.loads(chrome_trace(made))["traceEvents"]
    assert {event["ph"] for event in events} <= {"M", "X", "s", "f"}
    starts = {event["id"]: event for event in events if event["ph"] == "s"}
    ends = {event["id"]: event for event in events if event["ph"] == "f"}
    assert starts.keys() == ends.keys()
    assert len(starts) == len(made.flows)
    assert all(starts[number]["ts"] <= ends[number]["ts"] for number in starts)
    tracks = {event["tid"] for event in events if event["ph"] == "X"}
    assert tracks <= {event["tid"] for event in events if event["ph"] == "M"}
    places = {e["tid"]: e["args"]["sort_index"] for e in events if e["name"] == "thread_sort_index"}
    assert tracks <= places.keys()
    assert sorted(places, key=places.__getitem__) == sorted(places)
    names = {e["args"]["name"]: (e["pid"], e["tid"]) for e in events if e["name"] == "thread_name"}
    assert len(set(names.values())) == len(names)
    assert all(
        track != 0 for _, track in names.values()
    )  # which Perfetto draws on the track whose number is the process's
    assert names["main thread"][0] == names["main thread"][1]
    for arrow in starts.values():
        assert any(_covers(event, arrow) for event in events if event["ph"] == "X")


def _covers(span, arrow):
    return span["tid"] == arrow["tid"] and span["ts"] <= arrow["ts"] <= span["ts"] + span["dur"]


def test_cells_for_people_have_the_same_decimals_in_a_column():
    speedups, times = list(grids(report()))[:2]
    assert [row[1] for row in speedups.rows] == ["1.00", "2.83"]
    assert [row[1:4] for row in times.rows] == [("2.000", "2.000", "2.000"), ("0.500", "1.000", "1.000")]
    assert all(grid.numeric_columns[1:] == (True,) * (len(grid.columns) - 1) for grid in (speedups, times))
