"""Levenberg and Marquardt's method for small problems, with a numeric Jacobian. Knows nothing of what it fits."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["Vector", "minimize_squares"]

Vector = npt.NDArray[np.float64]
STEP = 1e-5
FIRST_DAMPING = 1e-2
DAMPING_UP = 4.0
DAMPING_DOWN = 0.2
MAX_TRIES = 12
TOLERANCE = 1e-7


def minimize_squares(residuals: Callable[[Vector], Vector], start: Vector, *, max_iterations: int = 40) -> Vector:
    """Return the vector, from `start` downhill, at which the residuals' sum of squares no longer falls.

    Source: Marquardt (1963); damping is scaled by the diagonal. scipy would do the same and is not worth a dependency.
    """
    point, damping = start.astype(float), FIRST_DAMPING
    values = residuals(point)
    for _ in range(max_iterations):
        moved = _downhill(residuals, point, values, damping)
        if moved is None:
            break
        next_point, next_values, damping = moved
        gain = values @ values - next_values @ next_values
        is_done = gain < TOLERANCE * (values @ values)
        point, values = next_point, next_values
        if is_done:
            break
    return point


def _downhill(
    residuals: Callable[[Vector], Vector], point: Vector, values: Vector, damping: float
) -> tuple[Vector, Vector, float] | None:
    jacobian = _jacobian(residuals, point, values)
    normal, gradient = jacobian.T @ jacobian, jacobian.T @ values
    scale = np.diag(np.diag(normal) + TOLERANCE)
    for _ in range(MAX_TRIES):
        candidate = point - np.linalg.solve(normal + damping * scale, gradient)
        found = residuals(candidate)
        if np.all(np.isfinite(found)) and found @ found < values @ values:
            return candidate, found, damping * DAMPING_DOWN
        damping *= DAMPING_UP
    return None


def _jacobian(residuals: Callable[[Vector], Vector], point: Vector, values: Vector) -> Vector:
    columns = [(residuals(point + STEP * unit) - values) / STEP for unit in np.eye(len(point))]
    return np.stack(columns, axis=1)
