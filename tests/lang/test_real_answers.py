"""The language on the 1,200 real answers of AlpacaEval's development part."""

import json

from grammar import AsyncBlock, Document, Promise, Sync, Text, check_with_lark, escape, format_document, parse, render
from tests.support.lang_oracle import is_in_language
from tests.support.lang_paths import ALPACA_EVAL, needs_alpaca_eval

NUM_ANSWERS = 1200

pytestmark = needs_alpaca_eval


def answers() -> list[str]:
    return [json.loads(line)["output"] for line in ALPACA_EVAL.read_text(encoding="utf-8").splitlines()]


def test_all_answers_are_here():
    assert len(answers()) == NUM_ANSWERS


def test_escape_parse_render_is_the_identity_on_every_answer():
    for answer in answers():
        assert render(parse(escape(answer))) == answer


def test_answers_are_plain_text_of_the_language_for_lark_and_oracle_too():
    suspicious = [answer for answer in answers() if "<" in answer or "&" in answer]
    for answer in suspicious + answers()[::10]:
        check_with_lark(escape(answer))
        assert is_in_language(escape(answer), "response")


def test_every_answer_survives_inside_async_blocks_in_both_layouts():
    for answer in answers():
        first, second = answer[: len(answer) // 2], answer[len(answer) // 2 :]
        promises = [Promise("first half", 10), Promise("second half", 10)]
        document = Document.of([*promises, Text("\n"), AsyncBlock(first), AsyncBlock(second), Sync(), Text(".")])
        for layout in ("inline", "grouped"):
            assert render(parse(format_document(document, layout=layout))) == f"{answer}\n."
