"""The data of the benchmark is what the benchmark says: clean, varied, and the same every time."""

from itertools import islice
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import answers
from benchmarks.answers import annotated_answers, write_json_lines, xml_of
from grammar import parse
from pasta_toolkit.diagnostics import diagnose


@pytest.fixture(autouse=True)
def _few_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "NUM_DISTINCT", 60)


def test_answers_are_clean_and_of_many_shapes() -> None:
    texts = list(islice(annotated_answers(), 60))
    assert [diagnose(text) for text in texts] == [()] * 60
    assert len({len(parse(text).promises) for text in texts}) >= 5
    assert texts == list(islice(annotated_answers(), 60))


def test_xml_holds_the_same_tags() -> None:
    for text in islice(annotated_answers(), 20):
        tags = [element.tag for element in ElementTree.fromstring(xml_of(text)).iter()][1:]
        document = parse(text)
        assert tags.count("promise") == tags.count("async") == len(document.promises)
        assert tags.count("sync") == sum(group.sync is not None for group in document.groups)


def test_a_file_is_as_long_as_it_was_asked_for(tmp_path: Path) -> None:
    write_json_lines(tmp_path / "a.jsonl", 10_000)
    assert 10_000 <= (tmp_path / "a.jsonl").stat().st_size < 20_000
