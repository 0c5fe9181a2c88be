"""Writes a device as TOML, the same bytes for the same device. Knows no formula and no measuring.

Law: `parse_spec(format_hardware(spec, tables=""), HardwareSpec, where="")` is the device without its calibration.
"""

import json
from dataclasses import fields

from pasta_toolkit.specs.hardware import HardwareSpec

__all__ = ["format_hardware"]


def format_hardware(spec: HardwareSpec, *, tables: str = "") -> str:
    """Return a device as TOML; `tables` is the text of its tables, which a calibration is one of."""
    lines = []
    for field in fields(spec):
        value = getattr(spec, field.name)
        if field.name == "calibration" or value is None or value == field.default:
            continue
        lines.append(f"{field.name} = {_toml(value)}")
    return "\n".join(lines) + "\n" + (f"\n{tables}" if tables else "")


def _toml(value: object) -> str:
    """Return a value as TOML writes it; JSON's strings, lists and booleans are TOML's too."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
