"""How tokenizers write bytes as text: the byte-level alphabet of GPT-2 and the conventions of sentencepiece."""

import re
from functools import cache
from typing import Literal, TypeAlias

from grammar import reserved_pattern

__all__ = ["KNOWN_ENDS", "Convention", "is_tag_token", "token_bytes"]

Convention: TypeAlias = Literal["byte-level", "sentencepiece", "plain"]

# What published chat models call their end tokens; used only where a tokenizer's files do not name one.
KNOWN_ENDS = (
    "<|endoftext|>",
    "<|im_end|>",
    "</s>",
    "<eos>",
    "<end_of_turn>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|end|>",
)
SPACE_MARK = "\u2581"
BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
FIRST_SHIFTED = 0x100


@cache
def _byte_of_letter() -> dict[str, int]:
    """Return GPT-2's alphabet: printable Latin-1 stands for itself, the other bytes are shifted above it.

    Source: openai/gpt-2, `encoder.py`, `bytes_to_unicode`.
    """
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    shifted = [byte for byte in range(0x100) if byte not in set(own)]
    letters = {chr(byte): byte for byte in own}
    return letters | {chr(FIRST_SHIFTED + place): byte for place, byte in enumerate(shifted)}


def token_bytes(content: str, convention: Convention) -> bytes:
    r"""Return the bytes that a token writes.

    >>> token_bytes("\u0120a", "byte-level"), token_bytes("\u2581a", "sentencepiece")
    (b' a', b' a')
    >>> token_bytes("<0x0A>", "sentencepiece")
    b'\n'
    """
    if convention == "byte-level":
        letters = _byte_of_letter()
        try:
            return bytes([letters[letter] for letter in content])
        except KeyError:  # an added token with a letter outside of the alphabet stands for itself
            return _encoded(content)
    if convention == "sentencepiece":
        match = BYTE_TOKEN.fullmatch(content) if content.startswith("<0x") else None
        return bytes([int(match[1], 16)]) if match else _encoded(content.replace(SPACE_MARK, " "))
    return _encoded(content)


def _encoded(content: str) -> bytes:
    return content.encode("utf-8", "surrogatepass")


@cache
def _reserved() -> re.Pattern[str]:
    return re.compile(f"<{reserved_pattern()}")


def is_tag_token(content: str) -> bool:
    """Say whether a special token begins a tag, as models fine-tuned on PASTA-LANG have them.

    >>> is_tag_token("<promise"), is_tag_token("<sync/>"), is_tag_token("<|im_end|>")
    (True, True, False)
    """
    return _reserved().match(content) is not None
