"""Numbers as cells of a table; a dash where nothing can be said. Computes nothing."""

__all__ = ["NOTHING", "number", "share", "signed"]

NOTHING = "-"


def number(value: float | None) -> str:
    """Return a number with three places."""
    return NOTHING if value is None else f"{value:.3f}"


def share(value: float | None) -> str:
    """Return a share in percent."""
    return NOTHING if value is None else f"{value:.1%}"


def signed(error: float | None) -> str:
    """Return an error in percent, with its sign."""
    return NOTHING if error is None else f"{error:+.1%}"
