"""The examples are what `examples/README.md` says they are; the validator finds in them exactly what is expected."""

import json

import pytest

from grammar import Document, escape, format_document, is_valid, parse, render
from pasta_toolkit.tokens import load_counter
from tests.support.lang_oracle import is_in_language
from tests.support.lang_paths import REPOSITORY
from tests.support.regenerate_examples import (
    ANSWERS,
    BROKEN,
    RESPONSES,
    RESPONSES_JSONL,
    all_findings,
    broken_files,
    expected_path,
    findings_of,
    form_of,
    records_of,
    with_estimates,
)

NAMES = sorted(path.stem for path in RESPONSES.iterdir())
BROKEN_NAMES = [path.name for path in broken_files()]


def source(name: str) -> str:
    return (RESPONSES / f"{name}.txt").read_bytes().decode("utf-8")


def document(name: str) -> Document:
    return parse(source(name))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_valid_and_comes_back_from_its_tree(name):
    assert format_document(document(name)) == source(name)
    assert is_in_language(source(name), "response")


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_a_clean_text_file(name):
    assert "\r" not in source(name)
    assert source(name).endswith("\n")
    assert not source(name).endswith("\n\n")


def test_each_estimate_is_the_true_length_in_tens():
    counter = load_counter()
    for name in NAMES:
        assert with_estimates(source(name), counter) == source(name)


@pytest.mark.parametrize("name", NAMES)
def test_topics_are_three_words_at_the_most(name):
    assert all(len(promise.topic.split()) <= 3 for promise in document(name).promises)


def test_the_examples_have_the_shapes_that_their_names_promise():
    assert document("sequential").promises == ()
    assert len(document("one_branch").promises) == 1
    assert len(document("many_branches").promises) >= 12
    assert sum(group.sync is not None for group in document("several_syncs").groups) >= 2
    assert [group.sync for group in document("end_without_sync").groups] == [None]
    assert "<" in render(document("code"))
    assert "<div>" in render(document("escaped_tags"))
    assert "<sync/>" in render(document("escaped_tags"))
    assert escape(render(document("html"))) == render(document("html"))
    assert any("\u4e00" <= character <= "\u9fff" for character in source("chinese"))
    assert any("\u0600" <= character <= "\u06ff" for character in source("arabic"))
    assert "\U0001f389" in source("emoji")
    assert "|---|" in source("table")
    assert "$$" in source("maths")


def test_the_examples_show_both_layouts():
    assert format_document(document("grouped"), layout="grouped") == source("grouped")
    assert format_document(document("prose"), layout="inline") == source("prose")


def test_the_data_sets_are_made_of_the_examples():
    for path, field in ((ANSWERS, "output"), (RESPONSES_JSONL, "response")):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines == list(records_of(field))
        assert sorted(json.loads(line)["id"] for line in lines) == NAMES


def test_the_validator_finds_neither_errors_nor_warnings_in_the_examples():
    findings = findings_of([*sorted(RESPONSES.iterdir()), RESPONSES_JSONL], "response")
    for path, lines in findings.items():
        assert [line for line in lines.splitlines() if " note " not in line] == [], path


@pytest.fixture(scope="module")
def found():
    return {path.name: findings for path, findings in all_findings().items()}


@pytest.mark.parametrize("name", BROKEN_NAMES)
def test_the_validator_finds_in_a_broken_example_what_is_expected(name, found):
    assert found[name] == expected_path(BROKEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in BROKEN_NAMES if name.endswith(".txt")])
def test_an_error_is_expected_exactly_where_a_text_is_not_in_the_language(name, found):  # L11
    path = BROKEN / name
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        assert " error " in found[name]
        return
    has_error = any(" error PA" in line for line in found[name].splitlines())
    assert has_error == (not is_valid(text, form=form_of(path)))


def test_every_broken_example_has_findings_and_no_expectation_is_left_over():
    assert all(expected_path(BROKEN / name).stat().st_size for name in BROKEN_NAMES)
    expected = {path.name for path in BROKEN.glob("*.expected")}
    assert expected == {expected_path(BROKEN / name).name for name in BROKEN_NAMES}


def test_the_readme_names_every_example():
    readme = (REPOSITORY / "examples" / "README.md").read_text(encoding="utf-8")
    for name in (*NAMES, *(BROKEN_NAMES)):
        assert f"`{name}`" in readme, name
