"""JSON, SARIF and GitHub annotations hold what other programs rely on."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from grammar import Span
from pasta_toolkit.diagnostics import INPUT_RULES, RULES, Edit, Fix, Label, Safety
from pasta_toolkit.diagnostics.render import (
    Findings,
    GithubRenderer,
    JsonRenderer,
    Renderer,
    SarifRenderer,
)
from tests.support.findings import SUMMARY, finding_at, findings_of, sets_of_findings

SCHEMA = Path(__file__).parents[1] / "data" / "sarif-schema-2.1.0.json.gz"
SARIF = Draft7Validator(json.loads(gzip.decompress(SCHEMA.read_bytes())))
TEXT = 'One\nthen <promise topic="x" tokens="10"/>'
FINDING = finding_at(
    9,
    len(TEXT),
    labels=(Label(Span(0, 3), "here"),),
    fix=Fix("drop it", (Edit(Span(9, len(TEXT)), ""),), Safety.UNSAFE),
)


def _document(renderer: Renderer, *many: Findings) -> Any:
    return json.loads(
        renderer.begin()
        + "".join(piece for findings in many for piece in renderer.render(findings))
        + renderer.end(SUMMARY)
    )


def test_json_has_the_keys_that_other_programs_rely_on() -> None:
    document = _document(JsonRenderer(), findings_of(TEXT, FINDING, number=3, path="a.jsonl"))
    place = {"line": 2, "column": 6, "end_line": 2, "end_column": 38, "offset": 9, "end_offset": 41}
    label = {"line": 1, "column": 1, "end_line": 1, "end_column": 4, "offset": 0, "end_offset": 3}
    assert document == {
        "schema": "pasta.validate/1",
        "diagnostics": [
            {
                "code": "PA301",
                "rule": "x-y",
                "severity": "error",
                "message": "it is wrong",
                "path": "a.jsonl",
                "record": 3,
                **place,
                "labels": [{"message": "here", **label}],
                "fix": {
                    "message": "drop it",
                    "safety": "unsafe",
                    "edits": [{"offset": 9, "end_offset": 41, "replacement": ""}],
                },
            }
        ],
        "summary": {
            "records": 12,
            "records_with_findings": 2,
            "errors": 3,
            "warnings": 0,
            "notes": 0,
            "fixable": 2,
            "fixable_unsafe": 1,
            "fixed": 0,
        },
    }


def test_json_counts_rules_when_asked() -> None:
    (rule,) = _document(JsonRenderer(has_statistics=True))["statistics"]
    assert rule == {
        "code": "PA301",
        "rule": "x-y",
        "severity": "error",
        "diagnostics": 3,
        "records": 2,
        "share_of_records": 2 / 12,
    }


@settings(deadline=None, max_examples=25)
@given(many=st.lists(sets_of_findings(), max_size=3))
def test_any_findings_make_one_json_document_and_a_valid_sarif_log(many: Sequence[Findings]) -> None:
    num_diagnostics = sum(len(findings.diagnostics) for findings in many)
    assert len(_document(JsonRenderer(), *many)["diagnostics"]) == num_diagnostics
    log = _document(SarifRenderer("1.0", (*RULES[:1], *INPUT_RULES[:1])), *many)
    SARIF.validate(log)
    assert len(log["runs"][0]["results"]) == num_diagnostics


def test_sarif_describes_every_rule() -> None:
    log = _document(SarifRenderer("1.0", (*RULES, *INPUT_RULES)))
    SARIF.validate(log)
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.code for rule in (*RULES, *INPUT_RULES)]


def _result(findings: Findings) -> Any:
    (result,) = _document(SarifRenderer("1.0"), findings)["runs"][0]["results"]
    return result


def test_sarif_places_a_finding_of_a_text_exactly_and_offers_its_fix() -> None:
    result = _result(findings_of(TEXT, FINDING, path="b c/ü.txt"))
    region = {"startLine": 2, "startColumn": 6, "endLine": 2, "endColumn": 38}
    (location,) = result["locations"]
    assert location["physicalLocation"] == {"artifactLocation": {"uri": "b%20c/%C3%BC.txt"}, "region": region}
    assert result["relatedLocations"][0]["message"] == {"text": "here"}
    (change,) = result["fixes"][0]["artifactChanges"]
    assert change["replacements"] == [{"deletedRegion": region, "insertedContent": {"text": ""}}]


def test_sarif_places_a_finding_of_json_lines_on_the_line_of_the_record() -> None:
    result = _result(findings_of(TEXT, FINDING, number=3, path="/data/a.jsonl"))
    (location,) = result["locations"]
    assert location["physicalLocation"]["region"] == {"startLine": 3}
    assert location["physicalLocation"]["artifactLocation"] == {"uri": "file:///data/a.jsonl"}
    assert result["message"]["text"] == "it is wrong (record 3, line 2, column 6)"
    assert result["properties"]["offset"] == 9
    assert "fixes" not in result


def test_rows_of_a_table_have_no_line() -> None:
    row = Findings("a.parquet", 3, "row", TEXT, (FINDING,))
    assert "region" not in _result(row)["locations"][0]["physicalLocation"]
    assert ",line=" not in "".join(GithubRenderer().render(row))


@pytest.mark.parametrize(
    ("findings", "line"),
    [
        (
            findings_of(TEXT, FINDING),
            "::error file=a.txt,line=2,endLine=2,col=6,endColumn=38,title=PA301 x-y::it is wrong\n",
        ),
        (
            findings_of("a\nb", finding_at(0, 3, message="50 %\r\nof it")),
            "::error file=a.txt,line=1,endLine=2,title=PA301 x-y::50 %25%0D%0Aof it\n",
        ),
        (
            findings_of(TEXT, finding_at(9, 41, message="wrong"), number=3, path="a,b:c%.jsonl"),
            "::error file=a%2Cb%3Ac%25.jsonl,line=3,endLine=3,title=PA301 x-y::wrong (record 3, line 2, column 6)\n",
        ),
    ],
)
def test_github_annotations_are_commands_with_escapes(findings: Findings, line: str) -> None:
    assert list(GithubRenderer().render(findings)) == [line]


@given(findings=sets_of_findings())
def test_github_annotations_are_one_line_each(findings: Findings) -> None:
    lines = "".join(GithubRenderer().render(findings)).split("\n")
    assert len(lines) == len(findings.diagnostics) + 1
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines[:-1])
