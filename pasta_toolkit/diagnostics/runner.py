"""Finds all faults of a document in one pass. A clean document is never read tag by tag.

The fast path asks the grammar's scanner whether the document is valid and gives its parts to the lints. Any other
document is read leniently, and its tags reach the same lints in the spelling that a repair would give them.
"""

from collections.abc import Iterable

from grammar import Form, is_ordered, read_miscased, signature, split_at_tags
from pasta_toolkit.diagnostics.broken import read_broken
from pasta_toolkit.diagnostics.characters import has_odd_characters, is_unremarkable
from pasta_toolkit.diagnostics.diagnostic import Diagnostic
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.recovery import LONGEST_REMEMBERED_LETTERS, resolve
from pasta_toolkit.diagnostics.settings import DEFAULT_SETTINGS, Settings
from pasta_toolkit.diagnostics.structure import Structure

__all__ = ["diagnose", "diagnose_with_recovery"]


def diagnose(text: str, *, form: Form = "response", settings: Settings = DEFAULT_SETTINGS) -> tuple[Diagnostic, ...]:
    """Return all findings of a document, sorted by place.

    Law, with all rules selected: one of them is an error exactly where the grammar refuses the text.

    >>> [finding.rule for finding in diagnose("Hello<sync/>")]
    ['sync-without-promise']
    """
    parts = split_at_tags(text)
    structure = _structure(parts, form)
    if structure is None:
        return diagnose_with_recovery(text, form=form, settings=settings)
    found: list[Diagnostic] = []
    if not is_unremarkable(text, len(parts) // 2):
        if any("<" in part and read_miscased(part) for part in parts[::2]):
            return diagnose_with_recovery(text, form=form, settings=settings)
        found += _odd_characters(text, settings)
    if len(parts) > 1:
        found += _lints(Outline(text, form, parts, structure), settings)
    return _sorted(found) if len(found) > 1 else tuple(found)


def diagnose_with_recovery(text: str, *, form: Form, settings: Settings) -> tuple[Diagnostic, ...]:
    """Find what `diagnose` finds, by the slow path whatever the document."""
    broken = read_broken(text, form)
    enabled = settings.enabled
    found = [finding for finding in broken.findings() if finding.code in enabled]
    found += _odd_characters(text, settings)
    found += _lints(broken.outline, settings)
    return _sorted(found)


def _structure(parts: list[str], form: Form) -> Structure | None:
    """Return the structure of a valid document, as the grammar's `scan` judges it; None for any other."""
    letters = signature(parts)
    if letters is None or (form == "branch" and parts[-1]):
        return None
    if len(letters) > LONGEST_REMEMBERED_LETTERS and not is_ordered(letters, form):
        return None
    structure = resolve(letters, form)
    return None if structure.faults else structure


def _odd_characters(text: str, settings: Settings) -> list[Diagnostic]:
    if not has_odd_characters(text):
        return []
    return [finding for rule in settings.text_rules for finding in rule.check(text)]


def _lints(outline: Outline, settings: Settings) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for rule in settings.lint_rules:
        found.extend(rule.check(outline, settings.thresholds))
    return found


def _sorted(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(sorted(found, key=lambda finding: (finding.span.start, finding.span.end, finding.code)))
