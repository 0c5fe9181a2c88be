"""A promise whose number of tokens is not a multiple of ten from 10 to 9990."""

import re
from collections.abc import Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.estimate import FEWEST_TOKENS, MOST_TOKENS
from pasta_toolkit.diagnostics.rule import TagRule
from pasta_toolkit.diagnostics.spelling import TagReading, certain_tokens, guess_fix, respell_fix, respelled
from pasta_toolkit.diagnostics.wording import shown

__all__ = ["RULE"]

VALID_TOKENS = re.compile("[1-9][0-9]{0,2}0")  # Source: TOKENS in grammar/pasta.lark; a test keeps the two equal
WHOLE_NUMBER = re.compile(r"\s*-?[0-9]{1,40}\s*")


def _check(reading: TagReading) -> Iterator[Diagnostic]:
    tag = reading.tag
    tokens = reading.values("tokens")
    if tag.name != "promise" or tag.is_end or not tag.is_readable or tag.is_miscased or not tokens:
        return
    value = tokens[0].value
    if VALID_TOKENS.fullmatch(value):
        return
    message = (
        f"tokens is {shown(value)}, {_fault(value)}; write a multiple of ten from {FEWEST_TOKENS} to {MOST_TOKENS}"
    )
    is_certain = certain_tokens(value) is not None and respelled(reading) is not None
    yield RULE.diagnostic(message, tokens[0].span, fix=respell_fix(reading) if is_certain else guess_fix(reading))


def _fault(value: str) -> str:
    if not WHOLE_NUMBER.fullmatch(value):
        return "not a whole number"
    number = int(value)
    if not 0 < number <= MOST_TOKENS:
        return "out of range"
    return "not a multiple of ten" if number % FEWEST_TOKENS else "not written plainly"


RULE = TagRule(
    code="PA106",
    name="invalid-tokens",
    severity=Severity.ERROR,
    summary="A promise's number of tokens is not a multiple of ten from 10 to 9990.",
    why=(
        "The number reserves positions for the branch. It is an estimate, so it comes in tens: a finer number costs "
        "tokens and promises a precision that no model has."
    ),
    example=(
        '<promise topic="fox" tokens="13"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix=(
        "Rounds a number from 1 to 9990 to the nearest ten (safe); anything else is brought into range or estimated "
        "from the length of the block, words x 1.3 (unsafe)."
    ),
    fix_safety=(Safety.SAFE, Safety.UNSAFE),
    check=_check,
)
