"""Chooses the validator's settings: those of `[tool.pasta]`, and what the command line says instead."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pasta_toolkit.diagnostics import RULES, Settings, Severity, load_settings

__all__ = ["ERRORS_ALONE", "chosen_settings"]

# What makes a document invalid, without the lints.
ERRORS_ALONE = Settings(select=tuple(rule.code for rule in RULES if rule.severity == Severity.ERROR))


def chosen_settings(
    *, config: Path | None, is_isolated: bool, select: Sequence[str], ignore: Sequence[str]
) -> Settings:
    """Return the settings of the nearest `pyproject.toml`, or of one that is named, under the options given.

    `--select` takes the place of the selection in the file, `--ignore` adds to what the file ignores.

    Raises:
        SettingsError: a setting is not right, or a selector fits no rule.
    """
    folder = config.parent if config is not None and config.is_file() else config
    settings = Settings() if is_isolated else load_settings(folder or Path.cwd())
    selected, ignored = _split(select), _split(ignore)
    if selected:
        settings = replace(settings, select=selected)
    return replace(settings, ignore=(*settings.ignore, *ignored)) if ignored else settings


def _split(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())
