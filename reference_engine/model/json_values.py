"""Typed access to the values of a JSON file that somebody else wrote. Knows no model."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reference_engine.errors import ModelError

__all__ = ["Values", "read_json"]

MOST = 2**31 - 1
MOST_LAYERS = 10_000  # ours: ten times any model's; a damaged file may ask for billions


def read_json(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises:
        ModelError: the file cannot be read, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ModelError(f"cannot read {str(path)!r}: {error}") from error
    if not isinstance(content, dict):
        raise ModelError(f"{str(path)!r} should hold a JSON object, and holds a {type(content).__name__}")
    return content


@dataclass(frozen=True, slots=True)
class Values:
    """The keys of a file: a key that is absent or null has its default; one without a default must be there."""

    content: Mapping[str, Any]
    origin: str
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, its default, or the default given here."""
        value = self.content.get(key)
        return self.defaults.get(key, default) if value is None else value

    def integer(self, key: str, default: int | None = None, *, most: int = MOST) -> int:
        """Return a whole number from 1 to `most`.

        Raises:
            ModelError: it is missing or is something else.
        """
        value = self._present(key, default)
        if type(value) is not int or not 1 <= value <= most:
            raise ModelError(f"{self.origin!r}: {key} should be a whole number from 1 to {most}, found {value!r}")
        return value

    def layers(self, key: str) -> int:
        """Return a number of layers: small enough that one may count them.

        Raises:
            ModelError: it is missing or is something else.
        """
        return self.integer(key, most=MOST_LAYERS)

    def number(self, key: str, default: float | None = None) -> float:
        """Return a number above 0.

        Raises:
            ModelError: it is missing or is something else.
        """
        value = self._present(key, default)
        if type(value) not in (int, float) or not value > 0:
            raise ModelError(f"{self.origin!r}: {key} should be a number above 0, found {value!r}")
        return float(value)

    def optional_number(self, key: str) -> float | None:
        """Return a number above 0, or None where there is none."""
        return None if self._stated(key) is None else self.number(key)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return whether something is so.

        Raises:
            ModelError: it is no truth value.
        """
        value = self.get(key, default)
        if type(value) is not bool:
            raise ModelError(f"{self.origin!r}: {key} should be true or false, found {value!r}")
        return value

    def _stated(self, key: str) -> Any:
        """Return a value as the file has it, so that a null says no; the default only where the key is absent."""
        return self.content[key] if key in self.content else self.defaults.get(key)

    def _present(self, key: str, default: Any) -> Any:
        value = self.get(key, default)
        if value is None:
            raise ModelError(f"{self.origin!r} does not say {key}")
        return value
