"""Loads `pasta.lark`, the definition of the language. Whatever needs the syntax asks here; nothing spells it again."""

from functools import cache
from importlib.resources import files
from typing import Any

import lark
from lark.lexer import BasicLexer

__all__ = ["grammar_text", "lark_parser", "reserved_pattern", "terminal_patterns"]

FORMS = ("response", "main", "branch")
NEGATIVE_LOOKAHEAD = ("<(?!", ")")


class _Lexer(BasicLexer):
    """Lark's basic lexer without its collision check, which takes most of a minute where interegular is installed.

    That no two terminals match at the same place is proven by the tests instead.
    """

    __future_interface__ = 2

    def __init__(self, conf: Any, comparator: Any = None) -> None:
        conf.skip_validation = True
        super().__init__(conf, comparator)


@cache
def grammar_text() -> str:
    """Return the text of the grammar file."""
    return files("grammar").joinpath("pasta.lark").read_text(encoding="utf-8")


@cache
def lark_parser() -> lark.Lark:
    """Return Lark's LALR parser for the three start rules."""
    return lark.Lark(grammar_text(), parser="lalr", lexer=_Lexer, start=list(FORMS))


@cache
def terminal_patterns() -> dict[str, str]:
    """Return each terminal's regular expression, as Lark composes it from the grammar file."""
    return {terminal.name: terminal.pattern.to_regexp() for terminal in lark_parser().terminals}


@cache
def reserved_pattern() -> str:
    """Return the expression for what makes a `<` the opening of a reserved tag: the one that LESS_THAN must not see."""
    opening, closing = NEGATIVE_LOOKAHEAD
    less_than = terminal_patterns()["LESS_THAN"]
    if not (less_than.startswith(opening) and less_than.endswith(closing)):
        raise ValueError(f"LESS_THAN must have the shape {opening}...{closing}, found {less_than[:40]!r}")
    return less_than.removeprefix(opening).removesuffix(closing)
