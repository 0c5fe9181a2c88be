"""An atheris harness over parse, diagnose, fix and format on arbitrary bytes. Not collected by pytest.

In an environment of its own (`pip install atheris -e .`), from the repository's root:

    python tests/fuzz/fuzz_language.py -dict=tests/fuzz/pasta.dict -max_len=400 -max_total_time=600 \
        CORPUS examples/responses examples/broken tests/fuzz/cases

CORPUS is a folder for what the fuzzer finds interesting. What it finds wrong goes to tests/fuzz/cases, where a test
replays it for ever after.
"""

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))

with atheris.instrument_imports(include=["grammar", "pasta_toolkit"]):
    from tests.support.lang_fuzz_target import check_bytes


if __name__ == "__main__":
    atheris.Setup(sys.argv, check_bytes)
    atheris.Fuzz()
