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
from pasta_toolkit.diagnostics.spelling import LONGEST_TOPIC
from pasta_toolkit.diagnostics.thresholds import Thresholds

__all__ = ["RULE"]

PROMISE_TOKENS, BLOCK_TOKENS, SYNC_TOKENS = TAG_TOKENS["p"], TAG_TOKENS["a"] + TAG_TOKENS["/"], TAG_TOKENS["s"]
LONGEST_PROMISE = len('<promise topic="" tokens="9990"/>') + LONGEST_TOPIC
LONGEST_OTHER_TAG = len("</async>")


def _check(outline: Outline, thresholds: Thresholds) -> Iterable[Diagnostic]:
    structure = outline.structure
    num_promises, num_blocks = len(structure.promise_parts), len(structure.branches)
    tag_tokens = PROMISE_TOKENS * num_promises + BLOCK_TOKENS * num_blocks + SYNC_TOKENS * structure.num_syncs
    if not tag_tokens or tag_tokens < thresholds.min_tag_tokens or outline.form != "response":
        return ()
    fewest_characters = len(outline.text) - LONGEST_PROMISE * num_promises - LONGEST_OTHER_TAG * structure.num_tags
    if _overhead(tag_tokens, fewest_characters / CHARACTERS_PER_TOKEN) <= thresholds.max_tag_overhead:
        return ()
    return _judged(outline, tag_tokens, thresholds.max_tag_overhead)


def _judged(outline: Outline, tag_tokens: int, max_overhead: float) -> Iterator[Diagnostic]:
    texts = outline.parts[::2]
    overhead = _overhead(tag_tokens, tokens_of_words(sum(map(count_words, texts))))
    if min(overhead, _overhead(tag_tokens, sum(map(len, texts)) / CHARACTERS_PER_TOKEN)) > max_overhead:
        first = outline.structure.groups[0].promises[0]
        yield RULE.diagnostic(_message(overhead, max_overhead), outline.tag_span(first))


def _overhead(tag_tokens: int, text_tokens: float) -> float:
    return tag_tokens / (tag_tokens + max(text_tokens, 0))


def _message(overhead: float, max_overhead: float) -> str:
    return (
        f"about {overhead:.0%} of the decoded tokens are tags ({HOW_ESTIMATED} for the text, {PROMISE_TOKENS} for a "
        f"promise tag, {SYNC_TOKENS} for any other); more than {max_overhead:.0%} hardly pays"
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
