"""What a user may choose: which rules run, and where the lints draw their lines. Reads no files."""

from dataclasses import dataclass, field, fields

from grammar import PastaError
from pasta_toolkit.diagnostics.registry import LINT_RULES, RULES, TEXT_RULES, closest
from pasta_toolkit.diagnostics.rule import LintRule, Rule, TextRule
from pasta_toolkit.diagnostics.thresholds import Thresholds

__all__ = ["DEFAULT_SETTINGS", "Settings", "SettingsError", "check_thresholds"]

FAMILY = "PA"  # the prefix of all codes
LEAST = {"max_length_ratio": 1}  # other thresholds may be 0


class SettingsError(PastaError):
    """Report a setting that does not exist or has a value that makes no sense."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Which rules run and their thresholds.

    A selector is a code (`PA201`), the beginning of codes (`PA2`, `PA`) or a name (`orphan-async-block`). Of all
    selectors that fit a rule the longest decides; where both lists name it alike, `ignore` wins.

    Raises:
        SettingsError: a selector fits no rule, or a threshold is not a number that makes sense.

    >>> sorted(Settings(select=("PA30", "lone-surrogate"), ignore=("PA301",)).enabled)[:2]
    ['PA302', 'PA303']
    """

    select: tuple[str, ...] = (FAMILY,)
    ignore: tuple[str, ...] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)
    enabled: frozenset[str] = field(init=False, repr=False, compare=False)
    lint_rules: tuple[LintRule, ...] = field(init=False, repr=False, compare=False)
    text_rules: tuple[TextRule, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Settle once which rules run."""
        for selector in (*self.select, *self.ignore):
            _check_selector(selector)
        check_thresholds(self.thresholds)
        enabled = frozenset(rule.code for rule in RULES if _is_enabled(rule, self.select, self.ignore))
        object.__setattr__(self, "enabled", enabled)
        object.__setattr__(self, "lint_rules", tuple(rule for rule in LINT_RULES if rule.code in enabled))
        object.__setattr__(self, "text_rules", tuple(rule for rule in TEXT_RULES if rule.code in enabled))


def check_thresholds(thresholds: Thresholds) -> None:
    """Refuse numbers that make no sense.

    Raises:
        SettingsError: with the name as it is written in `pyproject.toml`.
    """
    for threshold in fields(Thresholds):
        value = getattr(thresholds, threshold.name)
        name = threshold.name.replace("_", "-")
        is_whole = type(threshold.default) is int
        least = LEAST.get(threshold.name, 0)
        if type(value) not in ((int,) if is_whole else (int, float)) or not value >= least:
            kind = "whole number" if is_whole else "number"
            raise SettingsError(f"threshold {name!r} is {value!r}, but must be a {kind} of at least {least}")


def _is_enabled(rule: Rule, select: tuple[str, ...], ignore: tuple[str, ...]) -> bool:
    return max((_strength(rule, s) for s in select), default=0) > max((_strength(rule, s) for s in ignore), default=0)


def _strength(rule: Rule, selector: str) -> int:
    """Return how closely a selector fits a rule, 0 where it does not."""
    if selector == rule.name:
        return len(rule.code)
    return len(selector) if rule.code.startswith(selector.upper()) else 0


def _check_selector(selector: str) -> None:
    if not selector or not any(_strength(rule, selector) for rule in RULES):
        words = [word for rule in RULES for word in (rule.code, rule.name)]
        raise SettingsError(f"no rule fits {selector!r}{closest(selector, words)}; `pasta rule` lists all rules")


DEFAULT_SETTINGS = Settings()
