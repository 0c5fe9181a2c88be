"""What a finding is: frozen values. Knows neither the rules that make them nor the renderers that show them."""

from dataclasses import dataclass
from enum import StrEnum

from grammar import Span

__all__ = ["Diagnostic", "Edit", "Fix", "Label", "Safety", "Severity"]


class Severity(StrEnum):
    """How bad a finding is. Errors and warnings make `pasta validate` exit with 1, notes do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Safety(StrEnum):
    """Whether a fix keeps the meaning for certain (`--fix`) or guesses what was meant (`--unsafe-fixes`)."""

    SAFE = "safe"
    UNSAFE = "unsafe"


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace a span of the source by a text; an empty span inserts."""

    span: Span
    replacement: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that mend one finding together. They touch tags only, never a character of text outside of tags."""

    message: str
    edits: tuple[Edit, ...]
    safety: Safety


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that explains a finding, such as the promise that a sync waits for."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding in one document; `span` counts code points of that document's text."""

    code: str
    rule: str
    severity: Severity
    message: str
    span: Span
    labels: tuple[Label, ...] = ()
    fix: Fix | None = None
