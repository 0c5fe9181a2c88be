"""Mends documents by the fixes of their findings. Never changes a character of text outside of tags.

Fixes are applied in rounds: all that do not get in each other's way, spelling before order before lints, then the
document is read anew. Where tags go, texts meet that were apart; what would become a tag by that is escaped.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from grammar import Form, text_outside_tags
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety
from pasta_toolkit.diagnostics.patch import Patch
from pasta_toolkit.diagnostics.runner import diagnose
from pasta_toolkit.diagnostics.settings import DEFAULT_SETTINGS, Settings

__all__ = ["FixResult", "apply_fixes", "fix"]

MOST_ROUNDS = 40  # ours: hypothesis finds no document that needs more than a handful
FAMILY_WIDTH = len("PA1")


@dataclass(frozen=True, slots=True)
class FixResult:
    """A repaired text, how many findings were mended on the way, and those that remain."""

    text: str
    num_fixed: int
    remaining: tuple[Diagnostic, ...]


def fix(
    text: str, *, form: Form = "response", settings: Settings = DEFAULT_SETTINGS, unsafe: bool = False
) -> FixResult:
    """Fix until nothing changes any more; `unsafe` also closes blocks, adds missing ones and drops orphans.

    A round that would change text outside of tags is not made. Laws: `text_outside_tags(fix(t).text) == text_outside_tags(t)`; 
    `fix(fix(t).text).text == fix(t).text`; a valid document stays valid.

    >>> fix("<promise tokens='13' topic='fox'/>", form="main").text
    '<promise topic="fox" tokens="10"/>'
    """
    outside = None
    num_fixed = 0
    diagnostics = diagnose(text, form=form, settings=settings)
    for _ in range(MOST_ROUNDS):
        patch = _patch(diagnostics, unsafe=unsafe)
        if not patch.num_fixes:
            break
        outside = text_outside_tags(text) if outside is None else outside
        repaired = patch.apply(text)
        if repaired == text or text_outside_tags(repaired) != outside:
            break
        text = repaired
        num_fixed += patch.num_fixes
        diagnostics = diagnose(text, form=form, settings=settings)
    return FixResult(text, num_fixed, diagnostics)


def apply_fixes(text: str, diagnostics: Iterable[Diagnostic], *, unsafe: bool = False) -> str:
    """Apply one round of fixes; what gets in the way of another fix waits for the next round."""
    return _patch(tuple(diagnostics), unsafe=unsafe).apply(text)


def _patch(diagnostics: tuple[Diagnostic, ...], *, unsafe: bool) -> Patch:
    """Collect the fixes of the first family of rules that offers any."""
    wanted = (Safety.SAFE, Safety.UNSAFE) if unsafe else (Safety.SAFE,)
    fixable = [finding for finding in diagnostics if finding.fix is not None and finding.fix.safety in wanted]
    family = min((finding.code[:FAMILY_WIDTH] for finding in fixable), default="")
    patch = Patch()
    for finding in fixable:
        if finding.fix is not None and finding.code.startswith(family):
            patch.add(finding.fix)
    return patch
