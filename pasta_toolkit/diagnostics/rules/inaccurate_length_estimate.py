"""A promise whose stated length is far from the length of its block."""

from collections.abc import Iterable, Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Edit, Fix, Label, Safety, Severity
from pasta_toolkit.diagnostics.estimate import (
    HOW_ESTIMATED,
    TOKENS_PER_WORD,
    count_words,
    round_to_tens,
    tokens_of_words,
)
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import LintRule
from pasta_toolkit.diagnostics.thresholds import Thresholds

__all__ = ["RULE"]


def _check(outline: Outline, thresholds: Thresholds) -> Iterable[Diagnostic]:
    error, ratio = thresholds.min_length_error_tokens, thresholds.max_length_ratio
    parts = outline.parts
    doubtful = []
    for index, ((promise, _), (fewest, most)) in enumerate(
        zip(outline.structure.branches, outline.word_bounds(), strict=True)
    ):
        stated = int(parts[2 * promise + 1].rsplit('"', 2)[1])
        shortest, longest = fewest * TOKENS_PER_WORD, most * TOKENS_PER_WORD + 1
        is_long_enough = shortest > stated - error or shortest * ratio >= stated
        if not (is_long_enough and (longest < stated + error or longest <= stated * ratio)):
            doubtful.append(index)
    return _judged(outline, doubtful, thresholds) if doubtful else ()


def _judged(outline: Outline, indices: list[int], thresholds: Thresholds) -> Iterator[Diagnostic]:
    """Count the words of the branches whose spaces leave a doubt."""
    for index in indices:
        promise, block = outline.structure.branches[index]
        stated = outline.stated_tokens(promise)
        estimate = tokens_of_words(count_words(outline.contents()[index]))
        if not _is_near(stated, estimate, thresholds):
            message = (
                f"the promise states {stated} tokens, its branch has about {estimate} ({HOW_ESTIMATED}); "
                f"{round_to_tens(estimate)} would be near"
            )
            label = Label(outline.block_span(block), f"about {estimate} tokens")
            fix = _restated(outline, promise, round_to_tens(estimate))
            yield RULE.diagnostic(message, outline.tag_span(promise), labels=(label,), fix=fix)


def _is_near(stated: int, estimate: int, thresholds: Thresholds) -> bool:
    if abs(stated - estimate) < thresholds.min_length_error_tokens:
        return True
    ratio = thresholds.max_length_ratio
    return stated <= estimate * ratio and estimate <= stated * ratio


def _restated(outline: Outline, promise: int, tokens: int) -> Fix:
    tag = f'<promise topic="{outline.topic(promise)}" tokens="{tokens}"/>'
    return Fix(f'write tokens="{tokens}"', (Edit(outline.tag_span(promise), tag),), Safety.UNSAFE)


RULE = LintRule(
    code="PA304",
    name="inaccurate-length-estimate",
    severity=Severity.WARNING,
    summary="A promise's number of tokens is far from the length of its branch.",
    why=(
        "The number reserves positions. A branch that is much longer runs into positions that the main thread uses, one "
        "that is much shorter leaves a gap; both cost quality. Tokens are estimated, words x 1.3, so only a difference "
        "by a factor is reported."
    ),
    example='<promise topic="fox" tokens="200"/><async>A fox.</async><promise topic="owl" tokens="10"/>'
    "<async>An owl.</async><sync/>",
    good_example='<promise topic="fox" tokens="10"/><async>A fox.</async><promise topic="owl" tokens="10"/>'
    "<async>An owl.</async><sync/>",
    fix="Writes the estimated length, rounded to tens.",
    fix_safety=(Safety.UNSAFE,),
    thresholds=("max_length_ratio", "min_length_error_tokens"),
    check=_check,
)
