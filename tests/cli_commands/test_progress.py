"""Progress is shown on a terminal alone, and only for long work."""

import io
import sys
from pathlib import Path

import pytest

from pasta_toolkit.cli import progress
from pasta_toolkit.cli.progress import ProgressBar
from pasta_toolkit.records import Input


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def inputs(tmp_path: Path) -> list[Input]:
    (tmp_path / "a.txt").write_text("x" * 2000)
    return [Input(str(tmp_path / "a.txt"), "text")]


def _shown(inputs: list[Input], stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, waited_s: float) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "SECONDS_BEFORE_SHOWN", -waited_s)
    with ProgressBar(inputs) as bar:
        bar.update(0, 1000)
        with bar.paused():
            stream.write("|data|")
        bar.update(0, 2000)
    return stream.getvalue()


def test_long_work_is_shown_on_a_terminal(inputs: list[Input], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    shown = _shown(inputs, _Terminal(), monkeypatch, waited_s=1)
    assert "1.0/2.0 kB" in shown
    assert "|data|" in shown


def test_short_work_and_other_streams_show_nothing(inputs: list[Input], monkeypatch: pytest.MonkeyPatch) -> None:
    assert _shown(inputs, _Terminal(), monkeypatch, waited_s=-1000) == "|data|"
    assert _shown(inputs, io.StringIO(), monkeypatch, waited_s=1) == "|data|"
