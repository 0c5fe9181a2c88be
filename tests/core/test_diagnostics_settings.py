"""Settings: which rules run, from code and from `pyproject.toml`; whatever is misspelled is refused with a proposal."""

import pickle
import re
from pathlib import Path

import pytest

from pasta_toolkit.diagnostics import RULES, Settings, SettingsError, Thresholds, diagnose, load_settings

ALL = {rule.code for rule in RULES}


@pytest.mark.parametrize(
    ("select", "ignore", "expected"),
    [
        (("PA",), (), ALL),
        (("pa201",), (), {"PA201"}),
        (("orphan-async-block", "PA405"), (), {"PA201", "PA405"}),
        (("PA40",), ("PA402",), {"PA401", "PA403", "PA404", "PA405"}),
        (("PA",), ("PA1", "PA2", "PA3"), {"PA401", "PA402", "PA403", "PA404", "PA405"}),
        (("PA201",), ("PA2",), {"PA201"}),
        (("PA2",), ("PA",), {code for code in ALL if code.startswith("PA2")}),
        (("PA201",), ("orphan-async-block",), set()),
        ((), (), set()),
    ],
)
def test_the_longest_selector_decides_and_ignore_wins_a_tie(
    select: tuple[str, ...], ignore: tuple[str, ...], expected: set[str]
) -> None:
    assert Settings(select=select, ignore=ignore).enabled == expected


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("orphan-async-blok", "no rule fits 'orphan-async-blok' (did you mean 'orphan-async-block'?)"),
        ("PA9", "no rule fits 'PA9'"),
        ("", "no rule fits ''"),
        ("XY", "no rule fits 'XY'; `pasta rule` lists all rules"),
    ],
)
def test_a_selector_that_fits_no_rule_is_refused(selector: str, message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)):
        Settings(select=(selector,))
    with pytest.raises(SettingsError, match=re.escape(message)):
        Settings(ignore=(selector,))


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        (Thresholds(max_promises=-1), "threshold 'max-promises' is -1, but must be a whole number of at least 0"),
        (Thresholds(max_promises=1.5), "threshold 'max-promises' is 1.5, but must be a whole number"),  # type: ignore[arg-type]
        (Thresholds(max_promises=True), "threshold 'max-promises' is True, but must be a whole number"),
        (Thresholds(max_tag_overhead=float("nan")), "threshold 'max-tag-overhead' is nan, but must be a number"),
        (Thresholds(max_length_ratio=0.5), "threshold 'max-length-ratio' is 0.5, but must be a number of at least 1"),
    ],
)
def test_a_threshold_that_makes_no_sense_is_refused(thresholds: Thresholds, message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)):
        Settings(thresholds=thresholds)


def test_settings_travel_to_other_processes_and_compare_by_what_was_chosen() -> None:
    settings = Settings(select=("PA3",), ignore=("PA301",), thresholds=Thresholds(max_promises=3))
    copy = pickle.loads(pickle.dumps(settings))
    assert copy == settings
    assert hash(copy) == hash(settings)
    assert copy.enabled == settings.enabled
    text = '<promise topic="fox" tokens="10"/><async>a</async>'
    assert diagnose(text, settings=copy) == diagnose(text, settings=settings)


def write(folder: Path, content: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(content, encoding="utf-8")
    return folder


def test_settings_are_read_from_the_nearest_table(tmp_path: Path) -> None:
    write(
        tmp_path,
        '[tool.pasta]\nselect = ["PA3"]\nignore = ["lonely-promise"]\n[tool.pasta.thresholds]\nmax-promises = 8',
    )
    inner = write(tmp_path / "a" / "b", "[tool.other]\nx = 1")
    expected = Settings(select=("PA3",), ignore=("lonely-promise",), thresholds=Thresholds(max_promises=8))
    assert load_settings(inner) == expected
    assert load_settings(str(tmp_path)) == expected


def test_without_a_table_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, "[tool]\n[tool.pasta]\n")) == Settings()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '[tool.pasta]\nselct = ["PA"]',
            "[tool.pasta] unknown key 'selct' (did you mean 'select'?); there are select, ignore",
        ),
        ("[tool.pasta.thresholds]\nmax_promises = 3", "unknown key 'max_promises' (did you mean 'max-promises'?)"),
        (
            "[tool.pasta.thresholds]\nmax-promises = 'many'",
            "threshold 'max-promises' is 'many', but must be a whole number",
        ),
        ('[tool.pasta]\nselect = "PA"', "'select' must be a list of codes or names, found 'PA'"),
        ("[tool.pasta]\nignore = [1]", "'ignore' must be a list of codes or names, found [1]"),
        ('[tool.pasta]\nignore = ["PA999"]', "no rule fits 'PA999'"),
        ("[tool.pasta]\nthresholds = 3", "'thresholds' must be a table, found 3"),
        ("[tool]\npasta = 3", "[tool.pasta] must be a table, found 3"),
        ("[tool.pasta", "cannot read"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_with_its_path(tmp_path: Path, content: str, message: str) -> None:
    folder = write(tmp_path, content)
    with pytest.raises(SettingsError, match=re.escape(message)) as caught:
        load_settings(folder)
    assert str(folder / "pyproject.toml") in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot read"):
        load_settings(tmp_path)
