"""Reads the tokenizer of a GGUF file. Knows two kinds: SmolLM2's, which comes with the toolkit, and Gemma's.

Any other kind needs its own pre-tokenizer, which a GGUF file only names: such a file needs a tokenizer.json beside it.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors

from reference_engine.errors import ModelError
from reference_engine.model.gguf_header import open_gguf

__all__ = [
    "SETTINGS_FILE",
    "TEMPLATE_FILE",
    "TOKENIZER_FILE",
    "GgufTokenizer",
    "embedded_tokenizer",
    "read_gguf_tokenizer",
    "write_tokenizer",
]

TOKENIZER_FILE = "tokenizer.json"
SETTINGS_FILE = "tokenizer_config.json"
TEMPLATE_FILE = "chat_template.jinja"
PREFIX = "tokenizer.ggml."
TEMPLATE_KEY = "tokenizer.chat_template"
SPECIAL_IDS = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
CONTROL, USER_DEFINED = 3, 4  # GGUF's types of tokens that are no pieces of ordinary text
SPACE, SPACE_MARK = " ", "\u2581"


@dataclass(frozen=True, slots=True)
class GgufTokenizer:
    """What a GGUF file says of text: the tokenizer, the special tokens' texts, the chat template."""

    library: tokenizers.Tokenizer
    special: Mapping[str, str] = field(default_factory=dict)
    chat_template: str | None = None


def read_gguf_tokenizer(path: Path) -> GgufTokenizer:
    """Return the tokenizer of a GGUF file.

    Raises:
        ModelError: the file is damaged, or its tokenizer is of a kind that cannot be rebuilt from it.
    """
    metadata = open_gguf(path).metadata
    values = {key.removeprefix(PREFIX): value for key, value in metadata.items() if key.startswith(PREFIX)}
    try:
        tokens: list[str] = values["tokens"]
        special = {name: tokens[values[f"{key}_token_id"]] for name, key in SPECIAL_IDS.items()}
        library = _library(str(path), tokens, values)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ModelError(f"cannot read the tokenizer of {str(path)!r}: {error!r}") from error
    template = metadata.get(TEMPLATE_KEY)
    return GgufTokenizer(library, special, template if isinstance(template, str) else None)


def write_tokenizer(path: Path, folder: Path) -> None:
    """Write the tokenizer of a GGUF file into a folder as transformers has it.

    Raises:
        ModelError: as `read_gguf_tokenizer` does.
    """
    found = read_gguf_tokenizer(path)
    found.library.save(str(folder / TOKENIZER_FILE), pretty=False)
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **found.special}
    (folder / SETTINGS_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    if found.chat_template is not None:
        (folder / TEMPLATE_FILE).write_text(found.chat_template, encoding="utf-8")


def _library(origin: str, tokens: list[str], values: Mapping[str, Any]) -> tokenizers.Tokenizer:
    kind, pre = values["model"], values.get("pre")
    if kind == "gpt2" and pre == "smollm":
        library = embedded_tokenizer()
        if library.get_vocab() == {token: index for index, token in enumerate(tokens)}:
            return library
    if kind == "llama" and not values["add_space_prefix"]:
        return _sentence_pieces(tokens, values)
    raise ModelError(
        f"the tokenizer of {origin!r} is of the kind {kind}, {pre}, which cannot be rebuilt from a GGUF file; put the "
        f"model's {TOKENIZER_FILE} beside it"
    )


def embedded_tokenizer() -> tokenizers.Tokenizer:
    """Return the tokenizer of SmolLM2, which comes with the toolkit."""
    packed = files("pasta_toolkit.tokens").joinpath("data/smollm2.json.gz").read_bytes()
    return tokenizers.Tokenizer.from_buffer(gzip.decompress(packed))


def _sentence_pieces(tokens: list[str], values: Mapping[str, Any]) -> tokenizers.Tokenizer:
    """Build Gemma's tokenizer: pieces merge in the order of their ids, unknown characters fall back to bytes.

    Source: the tokenizer.json of Gemma 3.
    """
    types = values["token_type"]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    library = tokenizers.Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=list(_merges(tokens, vocabulary)),
            unk_token=tokens[values["unknown_token_id"]],
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    library.normalizer = normalizers.Replace(SPACE, SPACE_MARK)
    library.pre_tokenizer = pre_tokenizers.Split(SPACE, "merged_with_previous")
    library.decoder = decoders.Sequence([decoders.Replace(SPACE_MARK, SPACE), decoders.ByteFallback(), decoders.Fuse()])
    typed = list(zip(tokens, types, strict=True))
    library.add_special_tokens([AddedToken(token, normalized=False) for token, kind in typed if kind == CONTROL])
    library.add_tokens([AddedToken(token, normalized=False) for token, kind in typed if kind == USER_DEFINED])
    begin = values["bos_token_id"]
    library.post_processor = processors.TemplateProcessing(
        single=f"{tokens[begin]} $A", special_tokens=[(tokens[begin], begin)]
    )
    return library


def _merges(tokens: list[str], vocabulary: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield the pairs that make each piece; where several pairs make one piece, the commoner left half comes first."""
    for token in tokens:
        cuts = ((token[:place], token[place:]) for place in range(1, len(token)))
        pairs = [(left, right) for left, right in cuts if left in vocabulary and right in vocabulary]
        yield from sorted(pairs, key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]]))
