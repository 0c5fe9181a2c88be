"""Mends documents by the fixes of their findings. Never changes a character of text outside of tags.

Fixes are applied in rounds: all that do not get in each other's way, spelling before miscased tags before order before
lints, then the document is read anew. Where tags go, texts meet that were apart; what would become a tag by that is
escaped.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from grammar import Form, text_outside_tags
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety
from pasta_toolkit.diagnostics.patch import Patch
from pasta_toolkit.diagnostics.runner import diagnose
from pasta_toolkit.diagnostics.settings import DEFAULT_SETTINGS, Settings

__all__ = ["FixResult", "apply_fixes", "fix"]

MOST_ROUNDS = 40  # Source: ours; of 24,000 documents of random tags none needed more than 6
MISCASED = "miscased-tag"
MISCASED_STAGE = "PA1, miscased"


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

    A round that would change text outside of tags is not made. Laws: `text_outside_tags` of the result is that of the
    text, but for miscased tags that were made tags; fixing again changes nothing; a valid document stays valid.

    >>> fix("<promise tokens='13' topic='fox'/>", form="main").text
    '<promise topic="fox" tokens="10"/>'
    """
    num_fixed = 0
    diagnostics = diagnose(text, form=form, settings=settings)
    for _ in range(MOST_ROUNDS):
        stage, patch = _patch(diagnostics, unsafe=unsafe)
        repaired = patch.apply(text)
        if repaired == text or not _keeps_text(text, repaired, stage):
            break
        text = repaired
        num_fixed += patch.num_fixes
        diagnostics = diagnose(text, form=form, settings=settings)
    return FixResult(text, num_fixed, diagnostics)


def apply_fixes(text: str, diagnostics: Iterable[Diagnostic], *, unsafe: bool = False) -> str:
    """Apply one round of fixes; what gets in the way of another fix waits for the next round."""
    _, patch = _patch(tuple(diagnostics), unsafe=unsafe)
    return patch.apply(text)


def _patch(diagnostics: tuple[Diagnostic, ...], *, unsafe: bool) -> tuple[str, Patch]:
    """Collect the fixes of the first stage that has any."""
    wanted = (Safety.SAFE, Safety.UNSAFE) if unsafe else (Safety.SAFE,)
    fixes = [(_stage(found), found.fix) for found in diagnostics if found.fix and found.fix.safety in wanted]
    first = min((stage for stage, _ in fixes), default="")
    patch = Patch()
    for stage, fix_ in fixes:
        if stage == first:
            patch.add(fix_)
    return first, patch


def _stage(finding: Diagnostic) -> str:
    """Return what sorts as fixes are applied: by family, but miscased tags for themselves."""
    return MISCASED_STAGE if finding.rule == MISCASED else finding.code[: len("PA1")]


def _keeps_text(text: str, repaired: str, stage: str) -> bool:
    is_miscased_text = stage != MISCASED_STAGE
    before, after = (text_outside_tags(each, is_miscased_text=is_miscased_text) for each in (text, repaired))
    return before == after
