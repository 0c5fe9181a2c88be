"""The exception tree. A user's mistake is a `PastaError`; a programmer's is a `TypeError` or `ValueError`.

PastaError
+-- PastaSyntaxError      text that is not PASTA-LANG (grammar)
+-- ...                   further rooms add their own, named in their modules
"""

from dataclasses import dataclass, field

__all__ = ["PastaError", "PastaSyntaxError"]


class PastaError(Exception):
    """Base of all errors that a user can cause and mend."""


@dataclass(eq=False)
class PastaSyntaxError(PastaError):
    """Report the first place where a text leaves the language.

    `offset` counts code points from 0; `line` and `column` count from 1. `expected` names what could have stood there.
    """

    offset: int
    line: int
    column: int
    found: str
    expected: tuple[str, ...]
    context: str = field(repr=False)

    def __reduce__(self) -> tuple[type["PastaSyntaxError"], tuple[object, ...]]:
        """Let the error cross from one process to another: its fields are not in `args`, where Exception looks."""
        return type(self), (self.offset, self.line, self.column, self.found, self.expected, self.context)

    def __str__(self) -> str:
        """Say what was found, where, and what would be right, with a caret under the place."""
        expected = " or ".join(self.expected)
        return f"line {self.line}, column {self.column}: found {self.found}, expected {expected}\n{self.context}"
