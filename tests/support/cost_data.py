"""Where the measured tables lie, and the mark of tests that need them."""

from pathlib import Path

import pytest

__all__ = ["DATA", "TRACES", "needs_data"]

DATA = Path(__file__).parents[2].parent / "shared" / "data"
TRACES = DATA / "traces"
needs_data = pytest.mark.skipif(not TRACES.is_dir(), reason="the measured tables are not in ../shared/data/traces")
