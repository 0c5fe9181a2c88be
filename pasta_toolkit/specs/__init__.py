"""What is known of devices and models: frozen values from strict TOML files, with units and sources. Knows no time."""

from pasta_toolkit.specs.calibration import Calibration
from pasta_toolkit.specs.errors import SpecError, did_you_mean
from pasta_toolkit.specs.hardware import HardwareSpec
from pasta_toolkit.specs.hardware_text import format_hardware
from pasta_toolkit.specs.library import hardware_specs, load_any, load_hardware, load_model, model_specs
from pasta_toolkit.specs.loader import parse_spec, read_spec
from pasta_toolkit.specs.model import Matrix, ModelSpec
from pasta_toolkit.specs.placement import Placement, place

__all__ = [
    "Calibration",
    "HardwareSpec",
    "Matrix",
    "ModelSpec",
    "Placement",
    "SpecError",
    "did_you_mean",
    "format_hardware",
    "hardware_specs",
    "load_any",
    "load_hardware",
    "load_model",
    "model_specs",
    "parse_spec",
    "place",
    "read_spec",
]
