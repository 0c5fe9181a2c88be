"""Lark, the definition of the language: slow, and asked for what it alone can say. Run as a program, it derives anew.

python -m grammar.reference     # writes terminals.json after a change of pasta.lark
"""

import json
from pathlib import Path
from typing import Any

import lark
from lark.lexer import BasicLexer
from lark.parsers.lalr_interactive_parser import InteractiveParser

from grammar.definition import DERIVED, FORMS, compose_terminals, digest, grammar_text, lark_parser
from grammar.errors import PastaSyntaxError
from grammar.nodes import Form
from grammar.scanner import split_at_tags
from grammar.source import Source, shown

__all__ = ["check_with_lark", "load_parser", "syntax_error"]

NAMES = {
    "PROMISE": 'a promise tag `<promise topic="..." tokens="N"/>`',
    "ASYNC": "`<async>`",
    "ASYNC_END": "`</async>`",
    "SYNC": "`<sync/>`",
    "CHARACTERS": "text",
    "LESS_THAN": "text",
    "$END": "the end of the text",
}
TERMINALS = {"p": "PROMISE", "a": "ASYNC", "/": "ASYNC_END", "s": "SYNC"}  # by a tag's second character
FOUND_WIDTH = 30  # characters of an unexpected tag that a message shows


class _Lexer(BasicLexer):
    """Lark's basic lexer without its collision check, which takes most of a minute where interegular is installed.

    That no two terminals match at the same place is proven by the tests instead.
    """

    __future_interface__ = 2

    def __init__(self, conf: Any, comparator: Any = None) -> None:
        conf.skip_validation = True
        super().__init__(conf, comparator)


def load_parser(text: str) -> lark.Lark:
    """Return Lark's LALR parser for the three start rules of a grammar file."""
    return lark.Lark(text, parser="lalr", lexer=_Lexer, start=list(FORMS))


def derived_file() -> str:
    """Return the content of `terminals.json` for the grammar file as it is."""
    return json.dumps({"digest": digest(grammar_text()), **compose_terminals()}, indent=2) + "\n"


def check_with_lark(text: str, *, form: Form = "response") -> None:
    """Run Lark alone, lexer and parser: the slow definition of the language, for those who want to be sure.

    Raises:
        PastaSyntaxError: the text is not in the language.
    """
    parser = lark_parser().parse_interactive(text, start=form)
    try:
        for _ in parser.iter_parse():
            pass
        parser.feed_eof()  # type: ignore[no-untyped-call]
    except lark.exceptions.UnexpectedCharacters as error:
        raise _syntax_error(text, error.pos_in_stream or 0, parser) from None
    except lark.exceptions.UnexpectedToken as error:
        at_end = error.token.type == "$END"
        raise _syntax_error(text, len(text) if at_end else error.token.start_pos, parser) from None


def syntax_error(text: str, form: Form) -> PastaSyntaxError:
    """Ask Lark's parser, fed with the scanner's parts (its lexer takes seconds for a million `<`), what is wrong."""
    parser = lark_parser().parse_interactive("", start=form)
    offset = 0
    try:
        for index, part in enumerate(split_at_tags(text)):
            terminal = TERMINALS.get(part[1:2]) if index % 2 else "CHARACTERS"
            if terminal is None:
                return _syntax_error(text, offset, parser)
            if part:
                parser.feed_token(lark.Token(terminal, part))
            offset += len(part)
        parser.feed_eof()  # type: ignore[no-untyped-call]
    except lark.exceptions.UnexpectedToken:
        return _syntax_error(text, offset, parser)
    raise AssertionError("the scanner refuses a text that the grammar accepts")


def _syntax_error(text: str, offset: int, parser: InteractiveParser) -> PastaSyntaxError:
    source = Source(text)
    position = source.position(offset)
    found = text[offset : text.find(">", offset) + 1 or len(text)]
    accepted: set[str] = parser.accepts()  # type: ignore[no-untyped-call]
    expected = dict.fromkeys(name for terminal, name in NAMES.items() if terminal in accepted)
    return PastaSyntaxError(
        offset=offset,
        line=position.line,
        column=position.column,
        found=f"`{shown(found[:FOUND_WIDTH])}`" if found else "the end of the text",
        expected=tuple(expected),
        context=source.context(offset),
    )


if __name__ == "__main__":
    Path(__file__).with_name(DERIVED).write_text(derived_file(), encoding="utf-8")
