"""Reads settings from `[tool.pasta]` of a `pyproject.toml`. An unknown key is an error: none is silently ignored."""

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from pasta_toolkit.diagnostics.registry import closest
from pasta_toolkit.diagnostics.settings import DEFAULT_SETTINGS, Settings, SettingsError
from pasta_toolkit.diagnostics.thresholds import Thresholds

__all__ = ["load_settings"]

FILE_NAME = "pyproject.toml"
KEYS = ("select", "ignore", "thresholds")
THRESHOLDS = {threshold.name.replace("_", "-"): threshold.name for threshold in fields(Thresholds)}


def load_settings(start_folder: str | Path = ".") -> Settings:
    """Return the settings of the nearest `pyproject.toml` with a `[tool.pasta]`, in a folder or above it.

    Raises:
        SettingsError: the file cannot be read, or a key or a value in the table is wrong; the message names the file.
    """
    folder = Path(start_folder).resolve()
    for path in (above / FILE_NAME for above in (folder, *folder.parents)):
        table = _table(path) if path.is_file() else None
        if table is not None:
            return _settings(table, path)
    return DEFAULT_SETTINGS


def _table(path: Path) -> dict[str, Any] | None:
    try:
        tool = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from error
    table = tool.get("pasta") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise SettingsError(f"{path}: [tool.pasta] must be a table, found {table!r}")
    return table


def _settings(table: dict[str, Any], path: Path) -> Settings:
    _check_keys(table, list(KEYS), f"{path}: [tool.pasta]")
    try:
        return Settings(
            select=_selectors(table, "select", DEFAULT_SETTINGS.select),
            ignore=_selectors(table, "ignore", ()),
            thresholds=_thresholds(table.get("thresholds", {})),
        )
    except SettingsError as error:
        raise SettingsError(f"{path}: [tool.pasta] {error}") from error


def _selectors(table: dict[str, Any], key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    values = table.get(key, default)
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise SettingsError(f"{key!r} must be a list of codes or names, found {values!r}")
    return tuple(values)


def _thresholds(table: object) -> Thresholds:
    if not isinstance(table, dict):
        raise SettingsError(f"'thresholds' must be a table, found {table!r}")
    _check_keys(table, list(THRESHOLDS), "thresholds:")
    return Thresholds(**{THRESHOLDS[key]: value for key, value in table.items()})


def _check_keys(table: dict[str, Any], known: list[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise SettingsError(f"{where} unknown key {key!r}{closest(key, known)}; there are {', '.join(known)}")
