"""The grammar file is the definition: plain Lark reads it without conflicts, and the fast path derives from it."""

import logging
import subprocess
import sys
from pathlib import Path

import lark
import pytest

from grammar import definition, escape, grammar_text, lark_parser, reference, reserved_pattern, scanner, split_at_tags
from tests.support.strategies import FORMS

# Plain Lark checks all terminals for collisions where interegular is installed, for most of a minute: hidden here.
PLAIN_LARK = """
import sys
sys.modules["interegular"] = None
import lark
parser = lark.Lark(sys.stdin.read(), parser="lalr", lexer=sys.argv[1], start=["response", "main", "branch"])
promise = '<promise topic="x" tokens="10"/>'
parser.parse(f"a {promise}<async>b < c</async><sync/>", start="response")
parser.parse(f"a {promise} b <sync/>", start="main")
parser.parse("a <b> c</async>", start="branch")
for form, text in (("response", promise), ("main", "<async>"), ("branch", "a"), ("response", "<sync")):
    try:
        parser.parse(text, start=form)
    except lark.exceptions.UnexpectedInput:
        continue
    raise SystemExit(f"accepted {text} as {form}")
"""


@pytest.mark.parametrize("lexer", ["basic", "contextual"])
def test_plain_lark_reads_the_grammar_with_its_own_lexers(lexer):
    command = [sys.executable, "-c", PLAIN_LARK, lexer]
    finished = subprocess.run(command, input=grammar_text(), capture_output=True, encoding="utf-8", check=False)
    assert (finished.returncode, finished.stderr) == (0, "")


def test_the_grammar_has_no_conflicts(caplog):
    with caplog.at_level(logging.DEBUG, logger="lark"):
        lark.Lark(grammar_text(), parser="lalr", lexer=reference._Lexer, start=list(FORMS), debug=True)
    assert not [record for record in caplog.records if "conflict" in record.getMessage().lower()]


def test_the_derived_file_is_what_lark_composes_now():
    derived = Path(definition.__file__).with_name(definition.DERIVED)
    assert derived.read_text(encoding="utf-8") == reference.derived_file(), "run python -m grammar.reference"


def test_the_parser_starts_with_the_three_forms():
    assert lark_parser().options.start == list(FORMS) == list(definition.FORMS)


@pytest.fixture
def changed_grammar(monkeypatch):
    caches = (
        definition.lark_parser,
        definition.terminal_patterns,
        definition.reserved_pattern,
        scanner._tags,
        *(getattr(sys.modules["grammar.escape"], name) for name in ("_literal", "_escaped")),
    )

    def change(old: str, new: str) -> None:
        changed = grammar_text().replace(old, new)
        monkeypatch.setattr(definition, "grammar_text", lambda: changed)
        for cached in caches:
            cached.cache_clear()

    yield change
    monkeypatch.undo()
    for cached in caches:
        cached.cache_clear()


def test_scanner_and_escape_follow_the_grammar_file(changed_grammar):
    text = "a<join/>b<sync/>"
    assert split_at_tags(text) == ["a<join/>b", "<sync/>", ""]
    assert escape(text) == "a<join/>b&lt;sync/>"
    changed_grammar("sync", "join")
    assert split_at_tags(text) == ["a", "<join/>", "b<sync/>"]
    assert escape(text) == "a&lt;join/>b<sync/>"


def test_less_than_must_keep_the_shape_that_others_derive_from(changed_grammar):
    changed_grammar("LESS_THAN: /<(?!", "LESS_THAN: /[<](?!")
    with pytest.raises(ValueError, match="LESS_THAN must have the shape"):
        reserved_pattern()
