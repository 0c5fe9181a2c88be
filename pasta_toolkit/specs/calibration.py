"""What a profile adds to a device: fitted parameters and the residuals they left. Knows no formula that uses them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from pasta_toolkit.specs.errors import SpecError

__all__ = ["Calibration"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Hold the parameters of a fitted cost model and the quality of the fit.

    `parameters` maps a parameter's name to its value. `log_residuals` are sorted samples of log(measured / predicted),
    best from rows that the fit did not see; prediction intervals are read off them. `method` says how it was fitted.
    """

    parameters: Mapping[str, float]
    log_residuals: tuple[float, ...] = ()
    method: str = ""
    source: tuple[str, ...] = ()
    num_rows: int = field(default=0)

    def __post_init__(self) -> None:
        """Refuse numbers that no fit can have produced, and put the residuals in order."""
        bad = [name for name, value in self.parameters.items() if not math.isfinite(value)]
        if bad or not all(math.isfinite(residual) for residual in self.log_residuals):
            raise SpecError(f"the calibration holds a number that is not finite ({bad[0] if bad else 'log_residuals'})")
        object.__setattr__(self, "log_residuals", tuple(sorted(self.log_residuals)))
