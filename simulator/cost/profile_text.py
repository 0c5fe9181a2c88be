"""Writes a profile as TOML, the same bytes for the same profile. Knows no fitting."""

import json
from collections.abc import Sequence

from pasta_toolkit.dag.statistics import quantile
from pasta_toolkit.specs import Calibration

__all__ = ["format_calibration", "thin_residuals"]

NUM_RESIDUALS = 41
DIGITS = 5


def thin_residuals(log_residuals: Sequence[float]) -> tuple[float, ...]:
    """Return evenly spaced quantiles of residuals, so that a profile stays short; few residuals stay as they are."""
    ordered = sorted(log_residuals)
    if len(ordered) > NUM_RESIDUALS:
        ordered = [quantile(ordered, index / (NUM_RESIDUALS - 1)) for index in range(NUM_RESIDUALS)]
    return tuple(round(residual, DIGITS) for residual in ordered)


def format_calibration(calibration: Calibration, *, table: str = "") -> str:
    """Return a profile as TOML; `table` prefixes the names of its tables, for use inside a hardware file.

    Law: `parse_spec(format_calibration(c), Calibration, where="")` is c with thinned residuals.
    """
    lines = [f"[{table}]"] if table else []
    lines += [
        f"method = {json.dumps(calibration.method)}",
        f"num_rows = {calibration.num_rows}",
        f"source = {json.dumps(list(calibration.source))}",
        f"log_residuals = {list(thin_residuals(calibration.log_residuals))}",
        *(
            [f"steady_log_residuals = {list(steady)}"]
            if (steady := thin_residuals(calibration.steady_log_residuals))
            else []
        ),
        "",
        f"[{table}.parameters]" if table else "[parameters]",
    ]
    lines += [f"{name} = {value!r}" for name, value in calibration.parameters.items()]
    return "\n".join(lines) + "\n"
