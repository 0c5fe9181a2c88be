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
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import LintRule
from pasta_toolkit.diagnostics.structure import Block
from pasta_toolkit.diagnostics.thresholds import Thresholds

__all__ = ["RULE"]


def _check(outline: Outline, thresholds: Thresholds) -> Iterable[Diagnostic]:
    """Look closer at the branches whose number of characters is far from the stated length, too."""
    ratio = thresholds.max_length_ratio
    parts = outline.parts
    branches = zip(outline.structure.branches, outline.contents(), strict=True)
    doubtful = [
        (promise, block, content)
        for (promise, block), content in branches
        if not 1 / ratio <= len(content) / CHARACTERS_PER_TOKEN / int(parts[2 * promise + 1].rsplit('"', 2)[1]) <= ratio
    ]
    return _judged(outline, doubtful, thresholds) if doubtful else ()


def _judged(outline: Outline, branches: list[tuple[int, Block, str]], thresholds: Thresholds) -> Iterator[Diagnostic]:
    for promise, block, content in branches:
        stated, estimate = outline.stated_tokens(promise), tokens_of_words(count_words(content))
        if not _is_near(stated, estimate, thresholds):
            better = round_to_tens(estimate)
            message = (
                f"the promise states {stated} tokens, its branch has about {estimate} ({HOW_ESTIMATED}); "
                f"{better} would be near"
            )
            label = Label(outline.block_span(block), f"about {estimate} tokens")
            fix = _restated(outline, promise, better)
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
        "The number reserves positions. A branch that is much longer runs into positions that the main thread uses, "
        "one that is much shorter leaves a gap; both cost quality. Tokens are estimated: reported is only what is "
        "wrong by a factor, both by words x 1.3 and by characters / 4."
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
