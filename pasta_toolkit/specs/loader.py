"""Reads spec files strictly: an unknown key, a wrong type or a missing value is an error with its path and key."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from pasta_toolkit.specs.calibration import Calibration
from pasta_toolkit.specs.errors import SpecError, did_you_mean

__all__ = ["parse_spec", "read_spec"]

Spec = TypeVar("Spec")
TABLES = {"calibration": Calibration}


def read_spec(path: Path, spec_type: type[Spec]) -> Spec:
    """Read one spec from a TOML file.

    Raises:
        SpecError: the file cannot be read, is not TOML, or does not describe such a spec.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"cannot read the spec {str(path)!r}: {error}") from error
    return parse_spec(text, spec_type, where=str(path))


def parse_spec(text: str, spec_type: type[Spec], *, where: str) -> Spec:
    """Turn the text of a TOML file into a spec; `where` names it in messages.

    Raises:
        SpecError: the text is not TOML or does not describe such a spec.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{where} is not TOML: {error}") from error
    _check_keys(table, spec_type, where=where)
    try:
        return msgspec.convert(table, spec_type)
    except msgspec.ValidationError as error:
        raise SpecError(f"{where}: {_plain(error)}") from error
    except SpecError as error:
        raise SpecError(f"{where}: {error}") from error


def _check_keys(table: Mapping[str, Any], spec_type: type, *, where: str) -> None:
    assert is_dataclass(spec_type)
    known = {field.name: field for field in fields(spec_type)}
    for key, value in table.items():
        if key not in known:
            raise SpecError(f"{where}: unknown key {key!r}{did_you_mean(key, known)}")
        if key in TABLES and isinstance(value, dict):
            _check_keys(value, TABLES[key], where=f"{where}, table [{key}]")
    missing = [name for name, field in known.items() if _is_required(field) and name not in table]
    if missing:
        raise SpecError(f"{where}: the key {missing[0]!r} is missing")
    unknown = [name for name in table.get("unverified", []) if name not in known]
    if unknown:
        raise SpecError(
            f"{where}: unverified names {unknown[0]!r}, which is no key{did_you_mean(str(unknown[0]), known)}"
        )


def _is_required(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _plain(error: msgspec.ValidationError) -> str:
    """Return msgspec's message with `$.key` said as a key."""
    return str(error).replace("`$.", "key `")
