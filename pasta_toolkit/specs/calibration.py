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
    best from rows that the fit did not see; prediction intervals are read off them. `steady_log_residuals` are what is
    left of them at one speed of the machine, where a probe told its speed. `method` says how it was fitted.
    """

    parameters: Mapping[str, float]
    log_residuals: tuple[float, ...] = ()
    method: str = ""
    source: tuple[str, ...] = ()
    num_rows: int = field(default=0)
    steady_log_residuals: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse numbers that no fit can have produced, and put the residuals in order."""
        bad = [name for name, value in self.parameters.items() if not math.isfinite(value)]
        for name in ("log_residuals", "steady_log_residuals"):
            residuals = getattr(self, name)
            if not all(map(math.isfinite, residuals)):
                bad.append(name)
            object.__setattr__(self, name, tuple(sorted(residuals)))
        if bad:
            raise SpecError(f"the calibration holds a number that is not finite ({bad[0]})")
