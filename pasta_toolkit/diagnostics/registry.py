"""The flat list of all rules, in the order of their codes. A code, once given, never changes its meaning."""

import difflib

from grammar import PastaError
from pasta_toolkit.diagnostics.input_rules import INPUT_RULES, InputRule
from pasta_toolkit.diagnostics.rule import LintRule, Rule, StructureRule, TagRule, TextRule
from pasta_toolkit.diagnostics.rules import (
    async_in_main,
    byte_order_mark,
    carriage_return,
    control_character,
    duplicate_topic,
    empty_branch,
    empty_topic,
    implicit_join,
    inaccurate_length_estimate,
    invalid_tokens,
    invalid_topic_character,
    late_async_block,
    lone_surrogate,
    lonely_promise,
    malformed_tag,
    miscased_tag,
    missing_attribute,
    missing_branch_end,
    nested_async,
    nested_promise,
    nested_sync,
    noncanonical_tag,
    orphan_async_block,
    overlong_topic,
    repeated_attribute,
    repeated_branch,
    runaway_promises,
    self_closing_async,
    sibling_reference,
    stray_async_end,
    stray_closing_tag,
    sync_behind_each_promise,
    sync_without_promise,
    tag_in_branch,
    tag_overhead,
    text_after_branch_end,
    unclosed_async,
    unfulfilled_promise,
    unknown_attribute,
)

__all__ = [
    "ALL_RULES",
    "LINT_RULES",
    "RULES",
    "STRUCTURE_RULES",
    "TAG_RULES",
    "TEXT_RULES",
    "UnknownRuleError",
    "closest",
    "rule_by",
]

RULES: tuple[Rule, ...] = (
    malformed_tag.RULE,
    noncanonical_tag.RULE,
    unknown_attribute.RULE,
    missing_attribute.RULE,
    repeated_attribute.RULE,
    invalid_tokens.RULE,
    empty_topic.RULE,
    overlong_topic.RULE,
    invalid_topic_character.RULE,
    stray_closing_tag.RULE,
    self_closing_async.RULE,
    miscased_tag.RULE,
    orphan_async_block.RULE,
    unfulfilled_promise.RULE,
    late_async_block.RULE,
    nested_promise.RULE,
    nested_async.RULE,
    nested_sync.RULE,
    unclosed_async.RULE,
    stray_async_end.RULE,
    sync_without_promise.RULE,
    async_in_main.RULE,
    tag_in_branch.RULE,
    text_after_branch_end.RULE,
    missing_branch_end.RULE,
    duplicate_topic.RULE,
    lonely_promise.RULE,
    tag_overhead.RULE,
    inaccurate_length_estimate.RULE,
    runaway_promises.RULE,
    sibling_reference.RULE,
    sync_behind_each_promise.RULE,
    empty_branch.RULE,
    repeated_branch.RULE,
    implicit_join.RULE,
    carriage_return.RULE,
    control_character.RULE,
    byte_order_mark.RULE,
    lone_surrogate.RULE,
)
ALL_RULES: tuple[Rule | InputRule, ...] = (*RULES, *INPUT_RULES)
TAG_RULES = tuple(rule for rule in RULES if isinstance(rule, TagRule))
STRUCTURE_RULES = {rule.name: rule for rule in RULES if isinstance(rule, StructureRule)}
LINT_RULES = tuple(rule for rule in RULES if isinstance(rule, LintRule))
TEXT_RULES = tuple(rule for rule in RULES if isinstance(rule, TextRule))


class UnknownRuleError(PastaError):
    """Report a code or a name that no rule bears."""


def rule_by(code_or_name: str) -> Rule | InputRule:
    """Return the rule of a code or a name, in any case, those about the input itself included.

    Raises:
        UnknownRuleError: there is none; the message names the most similar one.

    >>> rule_by("pa201").name
    'orphan-async-block'
    """
    wanted = code_or_name.lower()
    for rule in ALL_RULES:
        if wanted in (rule.code.lower(), rule.name):
            return rule
    names = [name for rule in ALL_RULES for name in (rule.code, rule.name)]
    raise UnknownRuleError(f"no rule {code_or_name!r}{closest(code_or_name, names)}; `pasta rule` lists all rules")


def closest(word: str, words: list[str]) -> str:
    """Return a question for the most similar word, nothing where none is similar.

    >>> closest("selct", ["select", "ignore"])
    " (did you mean 'select'?)"
    """
    by_lower = {candidate.lower(): candidate for candidate in words}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return f" (did you mean {by_lower[found[0]]!r}?)" if found else ""
