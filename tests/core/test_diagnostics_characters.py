"""Odd characters: each is found once a document, at its first place, wherever it stands and however it is written."""

import sys

import pytest
from hypothesis import given

from pasta_toolkit.diagnostics import diagnose
from pasta_toolkit.diagnostics.characters import has_odd_characters
from pasta_toolkit.diagnostics.registry import TEXT_RULES
from tests.support.strategies import MODERATE, any_text, tag_soup


@pytest.mark.parametrize(
    ("character", "rule"),
    [
        ("\r", "carriage-return"),
        ("\0", "control-character"),
        ("\x1b", "control-character"),
        ("\x7f", "control-character"),
        ("\x85", "control-character"),
        ("\ufeff", "byte-order-mark"),
        ("\ud800", "lone-surrogate"),
        (chr(0xDFFF), "lone-surrogate"),
    ],
)
@pytest.mark.parametrize("before", ["", "abc\n", "caf\u00e9 \u4f60"])
def test_an_odd_character_is_reported_at_its_first_place(character: str, rule: str, before: str) -> None:
    text = f"{before}{character}x{character}"
    (finding,) = diagnose(text)
    assert (finding.rule, finding.severity, finding.span.start, finding.span.end) == (
        rule,
        "warning",
        len(before),
        len(before) + 1,
    )


@pytest.mark.parametrize(
    "text", ["", "a\tb\n", "\u00a0\u00bf caf\u00e9", "\U0001f98a\u200d", "\u4f60\u597d\u3000", "\u2028"]
)
def test_ordinary_characters_are_left_alone(text: str) -> None:
    assert diagnose(text) == ()
    assert not has_odd_characters(text)


@MODERATE
@given(any_text() | tag_soup())
def test_the_glance_sees_whatever_a_rule_would_report(text: str) -> None:
    assert has_odd_characters(text) == any(list(rule.check(text)) for rule in TEXT_RULES)


def test_the_glance_and_the_rules_agree_on_every_character() -> None:
    for code in (*range(0x3000), *range(0xD7F0, 0xE010), 0xFEFF, 0xFFFE, sys.maxunicode):
        text = f"a{chr(code)}b"
        assert has_odd_characters(text) == any(list(rule.check(text)) for rule in TEXT_RULES), hex(code)


def test_messages_say_how_many_there_are() -> None:
    assert diagnose("a\r\nb\r\n")[0].message.startswith("2 carriage returns in the text, the first one here")
    assert diagnose("\0\0\x01")[0].message == "3 control characters in the text, the first one here: NUL"
    assert diagnose("a\ufeff")[0].message.endswith("stands inside the text, where files were put together")
    assert diagnose("\ufeffa")[0].message.endswith("stands at the start of the text")


def test_odd_characters_and_errors_are_reported_together() -> None:
    assert [finding.rule for finding in diagnose("\ufeff<sync/>\r\0")] == [
        "byte-order-mark",
        "sync-without-promise",
        "carriage-return",
        "control-character",
    ]
