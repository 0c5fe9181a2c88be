"""What a rule is: its code, its name (the fault), the page that explains it, and the function that finds it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from grammar import Form, Span
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Fix, Label, Safety, Severity
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.spelling import TagReading
from pasta_toolkit.diagnostics.structure import Fault
from pasta_toolkit.diagnostics.thresholds import Thresholds

__all__ = ["LintRule", "Rule", "StructureRule", "TagRule", "TextRule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One fault that the validator knows.

    `example` shows the fault and `good_example` the same document without it; both are documents of `form`.
    `thresholds` names the settings that move the line.
    """

    code: str
    name: str
    severity: Severity
    summary: str
    why: str
    example: str
    good_example: str
    fix: str = "None: only the author knows what was meant."
    fix_safety: tuple[Safety, ...] = ()
    thresholds: tuple[str, ...] = ()
    form: Form = "response"

    def diagnostic(
        self, message: str, span: Span, *, labels: tuple[Label, ...] = (), fix: Fix | None = None
    ) -> Diagnostic:
        """Make a finding of this rule."""
        return Diagnostic(self.code, self.name, self.severity, message, span, labels, fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRule(Rule):
    """A rule about the spelling of one tag that is not canonical."""

    check: Callable[[TagReading], Iterable[Diagnostic]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureRule(Rule):
    """A rule about the order of tags: turns a fault of that order into a finding."""

    report: Callable[[Outline, Fault], Diagnostic]


@dataclass(frozen=True, slots=True, kw_only=True)
class LintRule(Rule):
    """A rule about a document that may be valid."""

    check: Callable[[Outline, Thresholds], Iterable[Diagnostic]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRule(Rule):
    """A rule about the characters of a text, whatever its tags; `has_odd_characters` is true of all it reports."""

    check: Callable[[str], Iterable[Diagnostic]]
