"""Which term of a cost model is off, and by how much, judged by measured steps. Knows terms by name only.

One factor on one term, on one family of terms, or on all of them is fitted to the steps; what explains them best is
named, if the errors are too large to be noise and the factor takes most of them away. Steps count by the stretch, a few
in a row, so that a single one that was disturbed says little.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

__all__ = ["Finding", "PricedSteps", "diagnose"]

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "memory bandwidth": ("weights", "kv_cache", "first_row", "pool", "padded"),
    "arithmetic": ("compute", "further_rows", "output", "row_pool"),
}
ALL_TERMS = "all terms"
MIN_ERROR = 0.1  # ours: well above what a good profile leaves
MUST_FALL_TO = 0.5  # ours: of the error that was there
MIN_SHARE = 0.02  # a smaller term cannot be told from noise
STRETCH_STEPS = 16
ALIKE = 0.01  # explanations whose errors are this close cannot be told apart
NEARLY = 1.2  # ours: times the least error, which noise alone may make of it


@dataclass(frozen=True, slots=True)
class PricedSteps:
    """The steps of one document: the terms of each in seconds, and what each took."""

    terms: Sequence[Mapping[str, float]]
    measured_s: Sequence[float]


@dataclass(frozen=True, slots=True)
class Finding:
    """Terms that are `factor` times too long (below 1: too short), and the mean error of a stretch before and after.

    `alternatives` explain the steps nearly as well.
    """

    name: str
    terms: tuple[str, ...]
    factor: float
    error_before: float
    error_after: float
    alternatives: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Say it."""
        terms = ", ".join(f"`{term}`" for term in self.terms)
        what = terms if self.name in self.terms else f"{self.name} ({terms})"
        size = f"{self.factor:.2f} times too long" if self.factor > 1 else f"{1 / self.factor:.2f} times too short"
        others = f"; nearly as good an explanation: {', '.join(self.alternatives)}" if self.alternatives else ""
        return (
            f"the profile is wrong, or the machine has changed: {what} predicted {size}; with that mended the mean "
            f"error of {STRETCH_STEPS} steps falls from {self.error_before:.0%} to {self.error_after:.1%}{others}"
        )


def diagnose(priced: Sequence[PricedSteps]) -> tuple[Finding, ...]:
    """Return what is wrong with a profile, nothing if the errors are small or no single factor explains them."""
    steps = [stretch for document in priced for stretch in _stretches(document)]
    if not steps:
        return ()
    before = fmean(abs(sum(terms.values()) / measured - 1) for terms, measured in steps)
    if before < MIN_ERROR:
        return ()
    tried = sorted(
        (_tried(name, group, steps, before) for name, group in _groups(steps)), key=lambda found: found.error_after
    )
    first = tried[0]
    alike = [found for found in tried if found.error_after <= first.error_after + ALIKE]
    # A property of the device is looked at before a term of the model, where the noise cannot tell them apart.
    families = [found for found in alike if found.name in FAMILIES and found.error_after <= NEARLY * first.error_after]
    best = families[0] if families and first.name in first.terms else first
    if best.error_after > MUST_FALL_TO * before or best.factor <= 0:
        return ()
    others = tuple(found.name for found in alike if found is not best)
    return (Finding(best.name, best.terms, best.factor, before, best.error_after, others),)


def _stretches(document: PricedSteps) -> Iterator[tuple[Mapping[str, float], float]]:
    """Return sums over a few steps in a row: of each term, and of what was measured."""
    for begin in range(0, len(document.terms), STRETCH_STEPS):
        terms = document.terms[begin : begin + STRETCH_STEPS]
        measured_s = sum(document.measured_s[begin : begin + STRETCH_STEPS])
        names = dict.fromkeys(name for step in terms for name in step)
        if measured_s > 0:
            yield {name: sum(step.get(name, 0.0) for step in terms) for name in names}, measured_s


def _groups(steps: Sequence[tuple[Mapping[str, float], float]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Return the terms that matter, one by one, by family, and together."""
    total = sum(sum(terms.values()) for terms, _ in steps)
    names = list(dict.fromkeys(name for terms, _ in steps for name in terms))
    shares = {name: sum(terms.get(name, 0.0) for terms, _ in steps) / total for name in names}
    yield ALL_TERMS, tuple(names)
    for family, members in FAMILIES.items():
        present = tuple(name for name in members if shares.get(name, 0.0) > 0)
        if len(present) > 1 and sum(shares[name] for name in present) >= MIN_SHARE:
            yield family, present
    yield from ((name, (name,)) for name in names if shares[name] >= MIN_SHARE)


def _tried(
    name: str, group: tuple[str, ...], steps: Sequence[tuple[Mapping[str, float], float]], before: float
) -> Finding:
    """Fit one factor on a group: least squares of relative errors, all other terms as they are."""
    parts = [
        (inside / measured, (sum(terms.values()) - inside) / measured)
        for terms, measured in steps
        for inside in (sum(terms.get(term, 0.0) for term in group),)
    ]
    weight = sum(inside * inside for inside, _ in parts)
    scale = sum(inside * (1 - outside) for inside, outside in parts) / weight if weight else 1.0
    scale = max(scale, 0.0)
    after = fmean(abs(scale * inside + outside - 1) for inside, outside in parts)
    return Finding(name, group, 1 / scale if scale else 0.0, before, after)
