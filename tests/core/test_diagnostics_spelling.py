"""What the validator says about the spelling of single tags."""

import re

import pytest

from grammar import terminal_patterns
from pasta_toolkit.diagnostics import Diagnostic, diagnose
from pasta_toolkit.diagnostics.rules.invalid_tokens import VALID_TOKENS
from pasta_toolkit.diagnostics.rules.invalid_topic_character import INVALID
from pasta_toolkit.diagnostics.spelling import LONGEST_TOPIC


def findings(text: str) -> list[Diagnostic]:
    return [finding for finding in diagnose(text, form="main") if finding.code.startswith("PA1")]


def promise(*, topic: str = '"fox"', tokens: str = '"10"') -> str:
    return f"<promise topic={topic} tokens={tokens}/>"


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        (promise(tokens="'10'"), ["noncanonical-tag"]),
        ('<promise tokens="10" topic="fox"/>', ["noncanonical-tag"]),
        ('<promise Topic="fox" TOKENS="10"/>', ["noncanonical-tag"]),
        ('<promise topic="fox" tokens="10">', ["noncanonical-tag"]),
        ("<sync></sync>", ["noncanonical-tag"]),
        ("</async >", ["noncanonical-tag"]),
        (promise(topic="'fox'", tokens='"11"'), ["noncanonical-tag", "invalid-tokens"]),
        ("<promise/>", ["missing-attribute", "missing-attribute"]),
        ('<promise topic="a" topic="b"/>', ["missing-attribute", "repeated-attribute"]),
        ('<promise topic="a" tokens="10" lang="en"/>', ["unknown-attribute"]),
        ('<async id="1">', ["unknown-attribute"]),
        (promise(topic="'a \"b\"'"), ["invalid-topic-character"]),
        (promise(topic='"a\tb"'), ["invalid-topic-character"]),
        (promise(topic=f'"{"x" * 81}"'), ["overlong-topic"]),
        (promise(topic='""'), ["empty-topic"]),
        ("</sync>", ["stray-closing-tag"]),
        ("</promise", ["stray-closing-tag"]),
        ("<async/>", ["self-closing-async"]),
        ("<async", ["malformed-tag"]),
        ('<promise topic="fox tokens="10"/>', ["malformed-tag"]),
    ],
)
def test_each_fault_of_a_tag_is_named(text: str, rules: list[str]) -> None:
    assert [finding.rule for finding in findings(text)] == rules


@pytest.mark.parametrize(
    ("tokens", "fault"),
    [
        ("13", "not a multiple of ten"),
        ("0", "out of range"),
        ("-10", "out of range"),
        ("10000", "out of range"),
        ("9" * 39, "out of range"),
        ("9" * 5000, "not a whole number"),
        ("010", "not written plainly"),
        (" 10 ", "not written plainly"),
        ("ten", "not a whole number"),
        ("", "not a whole number"),
        ("\u0661\u0660", "not a whole number"),
    ],
)
def test_the_fault_of_a_number_is_said(tokens: str, fault: str) -> None:
    text = promise(tokens=f'"{tokens}"')
    messages = [finding.message for finding in findings(text) if finding.rule == "invalid-tokens"]
    if len(text) < 400:
        assert len(messages) == 1
        assert f", {fault}; write a multiple of ten from 10 to 9990" in messages[0]
    else:
        assert [finding.rule for finding in findings(text)] == ["malformed-tag"]


def test_a_finding_points_at_the_attribute_or_character_it_is_about() -> None:
    text = '<promise topic="a>b" tokens="13" kind="x"/>'
    assert [(finding.rule, finding.span.of(text)) for finding in findings(text)] == [
        ("invalid-topic-character", ">"),
        ("invalid-tokens", 'tokens="13"'),
        ("unknown-attribute", 'kind="x"'),
    ]


def test_a_repeated_attribute_points_at_the_first_one() -> None:
    text = '<promise topic="fox" tokens="10" tokens="20"/>'
    (finding,) = findings(text)
    assert [(label.span.of(text), label.message) for label in finding.labels] == [('tokens="10"', "the first one")]


def test_an_unknown_attribute_is_recognised_by_what_it_resembles() -> None:
    (unknown, missing) = sorted(findings('<promise topic="fox" token="20"/>'), key=lambda finding: finding.message)[
        ::-1
    ]
    assert {unknown.rule, missing.rule} == {"unknown-attribute", "missing-attribute"}
    assert unknown.message == "promise has no attribute 'token'; did you mean 'tokens'?"
    assert unknown.fix is not None
    assert unknown.fix.edits[0].replacement == '<promise topic="fox" tokens="20"/>'


def test_messages_name_what_is_found_and_what_is_right() -> None:
    (finding,) = findings("<sync >")
    assert finding.message == "`<sync >` is not the canonical spelling; write `<sync/>`"
    (finding,) = findings("<promise")
    assert finding.message == (
        '`<promise` has no `>` at its end; write `<promise topic="..." tokens="N"/>`, or `&lt;` for a `<` that is text'
    )


def test_what_the_rules_know_of_attributes_is_what_the_grammar_says() -> None:
    terminal = re.compile(terminal_patterns()["PROMISE"])
    for code in range(0x300):
        character = chr(code)
        tag = f'<promise topic="{character}" tokens="10"/>'
        assert (terminal.fullmatch(tag) is None) == (INVALID.fullmatch(character) is not None), hex(code)
    assert terminal.fullmatch(promise(topic=f'"{"x" * LONGEST_TOPIC}"'))
    assert not terminal.fullmatch(promise(topic=f'"{"x" * (LONGEST_TOPIC + 1)}"'))
    for number in (*range(1200), *range(9900, 10_200), "010", " 10", "-10"):
        is_valid = terminal.fullmatch(promise(tokens=f'"{number}"')) is not None
        assert is_valid == (VALID_TOKENS.fullmatch(str(number)) is not None), number
