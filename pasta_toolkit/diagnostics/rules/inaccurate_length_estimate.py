"""A promise whose stated length is far from the length of its block."""

from collections.abc import Iterable, Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Edit, Fix, Label, Safety, Severity
from pasta_toolkit.diagnostics.estimate import (
    CHARACTERS_PER_TOKEN,
    HOW_ESTIMATED,
    count_words,
    round_to_tens,
    tokens_of_words,
)
from pasta_toolkit.diagnostics.outline import TOKENS, Outline
from pasta_toolkit.diagnostics.rule import LintRule
from pasta_toolkit.diagnostics.thresholds import Thresholds

__all__ = ["RULE"]

# Source: ours; of 9,297 branches of real answers and of examples in six scripts none has a true length, by SmolLM2's
# tokenizer, that is further than a factor of two outside of what these, characters / 4 and words x 1.3 allow.
FEWEST_BYTES_PER_TOKEN = 3


def _check(outline: Outline, thresholds: Thresholds) -> Iterable[Diagnostic]:
    """Look closer only where a number of characters is far from the stated length; `_is_near` holds for all others."""
    shortest = CHARACTERS_PER_TOKEN / thresholds.max_length_ratio
    longest = CHARACTERS_PER_TOKEN * thresholds.max_length_ratio
    promises, contents = outline.promises(), outline.contents()
    if len(promises) != len(contents):
        return _judged(outline, thresholds)
    for promise, content in zip(promises, contents, strict=True):
        tokens = int(promise[TOKENS])
        if not shortest * tokens <= len(content) <= longest * tokens:
            return _judged(outline, thresholds)
    return ()


def _judged(outline: Outline, thresholds: Thresholds) -> Iterator[Diagnostic]:
    for (promise, block), content in zip(outline.structure.branches, outline.contents(), strict=True):
        stated, estimate = outline.stated_tokens(promise), tokens_of_words(count_words(content))
        if not _is_near(stated, content, estimate, thresholds):
            better = round_to_tens(estimate)
            message = (
                f"the promise states {stated} tokens, its branch has about {estimate} ({HOW_ESTIMATED}); "
                f"{better} would be near"
            )
            label = Label(outline.block_span(block), f"about {estimate} tokens")
            fix = _restated(outline, promise, better)
            yield RULE.diagnostic(message, outline.tag_span(promise), labels=(label,), fix=fix)


def _is_near(stated: int, content: str, estimate: int, thresholds: Thresholds) -> bool:
    """Give a promise the benefit of the doubt: vocabularies cut scripts unlike, and an estimate knows none of them."""
    num_bytes = len(content.encode("utf-8", errors="replace"))
    fewest = min(estimate, len(content) / CHARACTERS_PER_TOKEN)
    most = max(estimate, num_bytes / FEWEST_BYTES_PER_TOKEN)
    if fewest - thresholds.min_length_error_tokens < stated < most + thresholds.min_length_error_tokens:
        return True
    ratio = thresholds.max_length_ratio
    return fewest <= stated * ratio and stated <= most * ratio


def _restated(outline: Outline, promise: int, tokens: int) -> Fix:
    tag = f'<promise topic="{outline.topic(promise)}" tokens="{tokens}"/>'
    return Fix(f'write tokens="{tokens}"', (Edit(outline.tag_span(promise), tag),), Safety.UNSAFE)


RULE = LintRule(
    code="PA304",
    name="inaccurate-length-estimate",
    severity=Severity.WARNING,
    summary="A promise's number of tokens is far from the length of its branch.",
    why=(
        "The number reserves positions. A branch that is much longer runs into positions that the main thread uses, "
        "one that is much shorter leaves a gap; both cost quality. Tokens are estimated: reported is only what is "
        "wrong by a factor whether one counts words x 1.3, characters / 4 or UTF-8 bytes / 3."
    ),
    example=(
        '<promise topic="fox" tokens="200"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Writes the estimated length, rounded to tens.",
    fix_safety=(Safety.UNSAFE,),
    thresholds=("max_length_ratio", "min_length_error_tokens"),
    check=_check,
)
