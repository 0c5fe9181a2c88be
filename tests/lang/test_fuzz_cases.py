"""Replays what the fuzzer once found, and its seeds."""

import pytest

from tests.support.lang_fuzz_target import check_bytes
from tests.support.lang_paths import REPOSITORY

CASES = sorted((REPOSITORY / "tests" / "fuzz" / "cases").glob("*.txt"))
SEEDS = sorted((REPOSITORY / "examples").glob("*/*.txt"))


@pytest.mark.parametrize("path", [*CASES, *SEEDS], ids=lambda path: path.name)
def test_the_fuzz_target_holds(path):
    check_bytes(path.read_bytes())
