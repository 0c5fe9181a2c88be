"""Where the tests find the project's own files and the shared real data."""

from pathlib import Path

import pytest

__all__ = ["ALPACA_EVAL", "REPOSITORY", "needs_alpaca_eval"]

REPOSITORY = Path(__file__).parents[2]
ALPACA_EVAL = REPOSITORY.parent / "shared" / "data" / "alpaca_eval_dev.jsonl"

needs_alpaca_eval = pytest.mark.skipif(
    not ALPACA_EVAL.is_file(),
    reason="the AlpacaEval answers are not here: their licence keeps them out of the repository (../shared/data)",
)
