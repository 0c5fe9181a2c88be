"""Where this program keeps what it would otherwise make or fetch again. Knows nothing of what is kept."""

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder(name: str) -> Path:
    """Return one of the program's folders in the user's cache (`XDG_CACHE_HOME`, or `~/.cache`)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pasta-toolkit" / name
