"""Gives the definition of the language, `pasta.lark`. Whatever needs the syntax asks here; nothing spells it again.

Lark composes the terminals' expressions from that file. `terminals.json` keeps them, with the digest of the file they
were composed from, so that the fast path need not load Lark; for any other grammar file they are composed anew.
"""

import json
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import lark

__all__ = ["grammar_text", "lark_parser", "reserved_pattern", "terminal_patterns"]

FORMS = ("response", "main", "branch")
NEGATIVE_LOOKAHEAD = ("<(?!", ")")
DERIVED = "terminals.json"


@cache
def grammar_text() -> str:
    """Return the text of the grammar file."""
    return files("grammar").joinpath("pasta.lark").read_text(encoding="utf-8")


@cache
def lark_parser() -> "lark.Lark":
    """Return Lark's LALR parser for the three start rules."""
    from grammar.reference import load_parser  # noqa: PLC0415  # Lark is slow to load, and seldom needed

    return load_parser(grammar_text())


@cache
def terminal_patterns() -> dict[str, str]:
    """Return each terminal's regular expression, as Lark composes it from the grammar file."""
    derived: dict[str, str] = json.loads(files("grammar").joinpath(DERIVED).read_text(encoding="utf-8"))
    if derived.pop("digest") == digest(grammar_text()):
        return derived
    return compose_terminals()


def compose_terminals() -> dict[str, str]:
    """Return what `terminal_patterns` returns, from Lark itself."""
    return {terminal.name: terminal.pattern.to_regexp() for terminal in lark_parser().terminals}


def digest(text: str) -> str:
    """Return what tells one grammar file from another."""
    return sha256(text.encode("utf-8")).hexdigest()


@cache
def reserved_pattern() -> str:
    """Return the expression for what makes a `<` the opening of a reserved tag: the one that LESS_THAN must not see."""
    opening, closing = NEGATIVE_LOOKAHEAD
    less_than = terminal_patterns()["LESS_THAN"]
    if not (less_than.startswith(opening) and less_than.endswith(closing)):
        raise ValueError(f"LESS_THAN must have the shape {opening}...{closing}, found {less_than[:40]!r}")
    return less_than.removeprefix(opening).removesuffix(closing)
