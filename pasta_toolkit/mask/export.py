"""Writes the decoding streams as grammars of other tools. Derived from the compiled automaton; spells no syntax itself.

Every target gets the same expression without lookaheads, so all of them accept exactly what the mask accepts.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import Literal, TypeAlias, get_args

import lark

from grammar import lark_parser
from pasta_toolkit.mask.automaton import PLAIN_STREAMS, compile_characters
from pasta_toolkit.mask.characters import Ranges
from pasta_toolkit.mask.expression import Choice, Expression, Repeat, Sequence, expression_of

__all__ = ["EXPORTS", "Export", "export_grammar"]

Export: TypeAlias = Literal["llguidance", "xgrammar", "xgrammar-tag", "gbnf", "regex"]
EXPORTS: tuple[str, ...] = get_args(Export)

FIRST_BEYOND_ASCII = 0x80
FIRST_BEYOND_BASIC_PLANE = 0x10000


def export_grammar(target: Export, *, stream: str = "main", parser: lark.Lark | None = None) -> str:
    """Return a stream's grammar in the language of another tool.

    `regex` is a plain regular expression for a full match (Python, Rust, PCRE). `llguidance` is its Lark dialect, one
    lexeme, so that its greedy lexer has nothing to decide. `xgrammar` and `gbnf` (llama.cpp) are EBNF with the start
    rule `root`; `xgrammar-tag` wraps that as a structural tag.
    """
    expression = _expression(parser or lark_parser(), stream)
    if target == "regex":
        return _regex(expression)
    if target == "llguidance":
        return f"start: STREAM\nSTREAM: /{_regex(expression)}/\n"
    grammar = f"root ::= {_ebnf(expression)}\n"
    if target == "xgrammar-tag":
        content = {"type": "structural_tag", "format": {"type": "grammar", "grammar": grammar}}
        return json.dumps(content, ensure_ascii=True) + "\n"
    return grammar


@cache
def _expression(parser: lark.Lark, stream: str) -> Expression:
    (chosen,) = (candidate for candidate in PLAIN_STREAMS if candidate.name == stream)
    _, automaton, classes = compile_characters(parser, [chosen])
    return expression_of(automaton, classes, begin=automaton.entries[0])


def _regex(expression: Expression) -> str:
    match expression:
        case Sequence(items):
            return "".join(map(_regex, items))
        case Choice(items):
            return f"(?:{'|'.join(map(_regex, items))})"
        case Repeat(item, fewest, most):
            inside = _regex(item)
            return f"{inside if _is_one_character(item) else f'(?:{inside})'}{_count(fewest, most)}"
    return _class(expression, _regex_character)


def _ebnf(expression: Expression) -> str:
    match expression:
        case Sequence(items):
            return " ".join(map(_ebnf, items)) or '""'
        case Choice(items):
            return f"({' | '.join(map(_ebnf, items))})"
        case Repeat(item, fewest, most):
            inside = _ebnf(item)
            return f"{inside if _is_one_character(item) else f'({inside})'}{_count(fewest, most)}"
    return _class(expression, _ebnf_character)


def _is_one_character(expression: Expression) -> bool:
    return isinstance(expression, tuple)


def _count(fewest: int, most: int | None) -> str:
    if most is None:
        return "*"
    return "?" if (fewest, most) == (0, 1) else f"{{{fewest},{most}}}"


def _class(ranges: Ranges, character: Callable[[int], str]) -> str:
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return f"[{character(ranges[0][0])}]"
    return (
        f"[{''.join(character(low) if low == high else f'{character(low)}-{character(high)}' for low, high in ranges)}]"
    )


def _regex_character(code_point: int) -> str:
    """Spell a character as every dialect reads it: two hexadecimal digits, or beyond ASCII the character itself."""
    letter = chr(code_point)
    if letter.isascii() and letter.isalnum():
        return letter
    return f"\\x{code_point:02X}" if code_point < FIRST_BEYOND_ASCII else letter


def _ebnf_character(code_point: int) -> str:
    r"""Spell a character with four or eight digits: xgrammar reads as many digits behind `\x` as there are."""
    if chr(code_point).isascii() and chr(code_point).isalnum():
        return chr(code_point)
    return f"\\u{code_point:04X}" if code_point < FIRST_BEYOND_BASIC_PLANE else f"\\U{code_point:08X}"
