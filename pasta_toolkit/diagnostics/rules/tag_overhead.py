"""A document of which too much is tags."""

from collections.abc import Iterable, Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Severity
from pasta_toolkit.diagnostics.estimate import (
    CHARACTERS_PER_TOKEN,
    HOW_ESTIMATED,
    TAG_TOKENS,
    count_words,
    tokens_of_words,
)
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import LintRule
from pasta_toolkit.diagnostics.thresholds import Thresholds

__all__ = ["RULE"]

BLOCK_TOKENS = TAG_TOKENS["a"] + TAG_TOKENS["/"]


def _check(outline: Outline, thresholds: Thresholds) -> Iterable[Diagnostic]:
    tag_tokens = _tag_tokens(outline)
    if not tag_tokens or tag_tokens < thresholds.min_tag_tokens or outline.form != "response":
        return ()
    num_characters = len(outline.text) - sum(map(len, outline.parts[1::2]))
    if _overhead(tag_tokens, num_characters / CHARACTERS_PER_TOKEN) <= thresholds.max_tag_overhead:
        return ()
    return _judged(outline, tag_tokens, thresholds.max_tag_overhead)


def _judged(outline: Outline, tag_tokens: int, max_overhead: float) -> Iterator[Diagnostic]:
    text_tokens = tokens_of_words(sum(map(count_words, outline.parts[::2])))
    overhead = _overhead(tag_tokens, text_tokens)
    if overhead > max_overhead:
        first = outline.structure.groups[0].promises[0]
        yield RULE.diagnostic(_message(overhead, max_overhead), outline.tag_span(first))


def _tag_tokens(outline: Outline) -> int:
    """Return what the tags of all groups cost."""
    tokens = 0
    for group in outline.structure.groups:
        tokens += len(group.promises) * TAG_TOKENS["p"] + len(group.blocks) * BLOCK_TOKENS
        tokens += TAG_TOKENS["s"] if group.sync is not None else 0
    return tokens


def _overhead(tag_tokens: int, text_tokens: float) -> float:
    return tag_tokens / (tag_tokens + text_tokens)


def _message(overhead: float, max_overhead: float) -> str:
    return (
        f"about {overhead:.0%} of the decoded tokens are tags ({HOW_ESTIMATED} for the text, {TAG_TOKENS['p']} for a "
        f"promise tag, {TAG_TOKENS['s']} for any other); more than {max_overhead:.0%} hardly pays"
    )


RULE = LintRule(
    code="PA303",
    name="tag-overhead",
    severity=Severity.WARNING,
    summary="A large share of the decoded tokens are tags.",
    why=(
        "Tags are decoded like any other token, and most of them by the main thread, on the critical path. One "
        "promise for each short bullet gives an ideal speed-up of 1.05 to 1.25 only; two to eight balanced groups "
        "give 1.5 to 1.8. Tokens are estimated: reported is only what is too much both by words x 1.3 and by "
        "characters / 4."
    ),
    example="".join(
        f'<promise topic="{name}" tokens="10"/><async>\n- {name.title()} are clever animals.</async>'
        for name in ("foxes", "owls", "hens", "cats")
    )
    + "<sync/>",
    good_example=("- Foxes are clever animals.\n- Owls are clever animals.\n- Hens are clever animals.\n"),
    fix="None: put several short points into one branch, or leave the answer plain.",
    thresholds=("max_tag_overhead", "min_tag_tokens"),
    check=_check,
)
