"""Finds specs: those shipped with the package by name or alias, a user's own by path. Knows no formula."""

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from pasta_toolkit.specs.errors import SpecError, did_you_mean
from pasta_toolkit.specs.hardware import HardwareSpec
from pasta_toolkit.specs.loader import parse_spec, read_spec
from pasta_toolkit.specs.model import ModelSpec

__all__ = ["hardware_specs", "load_any", "load_hardware", "load_model", "model_specs"]

Spec = TypeVar("Spec", HardwareSpec, ModelSpec)
SUFFIX = ".toml"


@cache
def hardware_specs() -> tuple[HardwareSpec, ...]:
    """Return the shipped devices, sorted by name."""
    return _shipped("hardware", HardwareSpec)


@cache
def model_specs() -> tuple[ModelSpec, ...]:
    """Return the shipped models, sorted by name."""
    return _shipped("models", ModelSpec)


def load_hardware(name: str) -> HardwareSpec:
    """Return the device of a name or alias (in any case), or of the path of a TOML file.

    Raises:
        SpecError: no such device, or a file that does not describe one.
    """
    return _load(name, hardware_specs(), HardwareSpec, kind="hardware")


def load_model(name: str) -> ModelSpec:
    """Return the model of a name or alias (in any case, with or without its owner), or of the path of a TOML file.

    Raises:
        SpecError: no such model, or a file that does not describe one.
    """
    return _load(name, model_specs(), ModelSpec, kind="model")


def load_any(name: str) -> HardwareSpec | ModelSpec:
    """Return the device or model of a name, alias or path; a file with the key `num_layers` describes a model.

    Raises:
        SpecError: there is neither, or the file describes neither.
    """
    if name.endswith(SUFFIX) or Path(name).is_file():
        return load_model(name) if "num_layers" in _keys(Path(name)) else load_hardware(name)
    specs: list[HardwareSpec | ModelSpec] = [*hardware_specs(), *model_specs()]
    known = {_key(known): spec for spec in specs for known in _names(spec)}
    if _key(name) not in known:
        hint = did_you_mean(name, [known for spec in specs for known in _names(spec)])
        raise SpecError(f"no device and no model named {name!r}{hint} (`pasta spec` lists them)")
    return known[_key(name)]


def _keys(path: Path) -> set[str]:
    """Return the keys of a TOML file; none if it cannot be read, which the strict reader will then say better."""
    try:
        return set(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return set()


def _shipped(folder: str, spec_type: type[Spec]) -> tuple[Spec, ...]:
    entries = [
        entry for entry in files("pasta_toolkit.specs").joinpath(folder).iterdir() if entry.name.endswith(SUFFIX)
    ]
    specs = [parse_spec(entry.read_text(encoding="utf-8"), spec_type, where=entry.name) for entry in entries]
    return tuple(sorted(specs, key=lambda spec: spec.name.lower()))


def _load(name: str, shipped: tuple[Spec, ...], spec_type: type[Spec], *, kind: str) -> Spec:
    if name.endswith(SUFFIX) or Path(name).is_file():
        return read_spec(Path(name), spec_type)
    names = {_key(known): spec for spec in shipped for known in _names(spec)}
    if _key(name) in names:
        return names[_key(name)]
    known = [known for spec in shipped for known in _names(spec)]
    raise SpecError(
        f"no {kind} named {name!r}{did_you_mean(name, known)}"
        f" (`pasta spec` lists them; the path of a {SUFFIX} file works too)"
    )


def _key(name: str) -> str:
    """Return a name as it is compared: in lower case, with hyphens for spaces and underscores."""
    return name.strip().lower().replace(" ", "-").replace("_", "-")


def _names(spec: HardwareSpec | ModelSpec) -> tuple[str, ...]:
    """Return a spec's name and aliases, also without the owner that stands before a slash."""
    names = (spec.name, *spec.aliases)
    return names + tuple(name.rpartition("/")[2] for name in names if "/" in name)
