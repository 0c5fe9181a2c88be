"""Counts tokens. Knows no documents: a text goes in, a number comes out, and the counter says whether it is exact."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from grammar import PastaError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["DEFAULT_TOKENIZER", "TokenCounter", "TokenizerError", "WordEstimate", "load_counter"]

DEFAULT_TOKENIZER = "smollm2"
WORDS = "words"
TOKENS_PER_WORD = 1.3  # ours: English prose has about 1.3 tokens a word in vocabularies of 32k to 256k entries
TOKENIZER_FILE = "tokenizer.json"


class TokenizerError(PastaError):
    """Report a tokenizer that does not exist or cannot be read."""


class TokenCounter(Protocol):
    """Counts the tokens of texts."""

    @property
    def name(self) -> str:
        """What reports call this counter."""

    @property
    def is_exact(self) -> bool:
        """Whether the numbers are a model's tokens or an estimate."""

    def count(self, text: str) -> int:
        """Return the number of tokens of a text, without any special tokens around it."""

    def count_batch(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""


@dataclass(frozen=True, slots=True)
class WordEstimate:
    """Estimate tokens as white-space separated words x 1.3, rounded up; far too low for scripts without spaces."""

    name: str = field(default="words x 1.3 (an estimate)", init=False)
    is_exact: bool = field(default=False, init=False)

    def count(self, text: str) -> int:
        """Estimate one text.

        >>> WordEstimate().count("three short words")
        4
        """
        return -int(-len(text.split()) * TOKENS_PER_WORD // 1)

    def count_batch(self, texts: Sequence[str]) -> list[int]:
        """Estimate several texts."""
        return [self.count(text) for text in texts]


@dataclass(frozen=True, slots=True)
class _TokenizersCounter:
    """Counts with the Hugging Face `tokenizers` library."""

    name: str
    tokenizer: "Tokenizer"
    is_exact: bool = field(default=True, init=False)

    def count(self, text: str) -> int:
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def count_batch(self, texts: Sequence[str]) -> list[int]:
        encodings = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]


def load_counter(name: str = DEFAULT_TOKENIZER) -> TokenCounter:
    """Return the counter of a name: `smollm2` (embedded, exact), `words` (an estimate), or the path of a tokenizer.

    A path is a `tokenizer.json` or a folder (as transformers saves it) that holds one.

    Raises:
        TokenizerError: no such tokenizer, or one that cannot be read.
    """
    if name == WORDS:
        return WordEstimate()
    from tokenizers import Tokenizer  # noqa: PLC0415  # most commands never count a token

    if name == DEFAULT_TOKENIZER:
        packed = files("pasta_toolkit.tokens").joinpath("data/smollm2.json.gz").read_bytes()
        return _TokenizersCounter(name, Tokenizer.from_str(gzip.decompress(packed).decode("utf-8")))
    path = Path(name) / TOKENIZER_FILE if Path(name).is_dir() else Path(name)
    if not path.is_file():
        raise TokenizerError(
            f"no tokenizer {name!r}: give {DEFAULT_TOKENIZER!r}, {WORDS!r}, or the path of a {TOKENIZER_FILE}"
        )
    try:
        return _TokenizersCounter(name, Tokenizer.from_file(str(path)))
    except Exception as error:  # the library raises bare Exception for every malformed file
        raise TokenizerError(f"cannot read the tokenizer {str(path)!r}: {error}") from error
