"""Finds out what kind of vocabulary a source holds, and reads it. Knows the conventions of published files."""

import base64
import binascii
import gzip
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from pasta_toolkit.mask.conventions import KNOWN_ENDS, Convention, is_tag_token, token_bytes
from pasta_toolkit.mask.errors import VocabularyError
from pasta_toolkit.mask.vocabulary import Vocabulary
from pasta_toolkit.tokens.gguf import GgufError, read_gguf_metadata

__all__ = ["load_vocabulary"]

EMBEDDED = "smollm2"
SETTING_FILES = ("generation_config.json", "config.json", "tokenizer_config.json")
# Types of tokens in GGUF: unknown 2, control 3, unused 5 write nothing. Source: llama.cpp, `llama_token_type`.
SILENT_GGUF_TYPES = (2, 3, 5)
GGUF_CONVENTIONS: dict[str, Convention] = {"gpt2": "byte-level", "llama": "sentencepiece", "t5": "sentencepiece"}
GGUF_ENDS = ("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id")
TEKKEN_END = 2  # Source: mistral-common, `Tekkenizer`: special tokens begin <unk>, <s>, </s>


def load_vocabulary(
    source: Any,
    *,
    ends: Iterable[int] | None = None,
    tags: Iterable[str] = (),
    num_logits: int | None = None,
) -> Vocabulary:
    """Read a vocabulary.

    `source` is `smollm2` (embedded), the path of a `tokenizer.json` or of its folder, of a GGUF file, a `tekken.json`
    or a tiktoken file; a tokenizer object of `transformers` or `tokenizers`; or a sequence of bytes. `ends` are the ids
    that end a sequence, needed where the source does not say. `tags` are special tokens that are text; one that begins
    a tag of the language is text anyway. `num_logits` is the length of the model's rows where they are padded.

    Raises:
        VocabularyError: a source that does not exist or cannot be read, or one without an end token.
    """
    read = _reader(source)
    tokens, found_ends = read(frozenset(tags))
    return Vocabulary.of(tokens, ends=found_ends if ends is None else ends, num_logits=num_logits)


_Read = Callable[[frozenset[str]], tuple[list[bytes | None], list[int]]]


def _reader(source: Any) -> _Read:
    if isinstance(source, (str, Path)):
        return _path_reader(source)
    if isinstance(source, Sequence):
        return lambda _: (list(source), [])
    backend = getattr(source, "backend_tokenizer", source)
    if hasattr(backend, "to_str"):
        return lambda tags: _from_json(json.loads(backend.to_str()), tags, _ends_of_object(source))
    raise VocabularyError(
        f"cannot read a vocabulary from {type(source).__name__}: give a path, a fast tokenizer of transformers or "
        "tokenizers, or a list of bytes"
    )


def _path_reader(source: str | Path) -> _Read:
    if source == EMBEDDED:
        packed = files("pasta_toolkit.tokens").joinpath("data/smollm2.json.gz").read_bytes()
        return lambda tags: _from_json(json.loads(gzip.decompress(packed)), tags, ())
    path = Path(source)
    path = path / "tokenizer.json" if path.is_dir() else path
    if not path.is_file():
        raise VocabularyError(
            f"no vocabulary {str(source)!r}: give {EMBEDDED!r} or the path of a tokenizer or GGUF file"
        )
    with path.open("rb") as file:
        beginning = file.read(4)
    if beginning == b"GGUF":
        return lambda tags: _from_gguf(_gguf_metadata(path), tags)
    if beginning[:1] == b"{":
        return lambda tags: _from_json_file(path, tags)
    return lambda _: _from_tiktoken(path)


def _gguf_metadata(path: Path) -> dict[str, Any]:
    try:
        return read_gguf_metadata(path)
    except GgufError as error:
        raise VocabularyError(str(error)) from error


def _from_json_file(path: Path, tags: frozenset[str]) -> tuple[list[bytes | None], list[int]]:
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise VocabularyError(f"{str(path)!r} is no JSON: {error}") from error
    if "model" in content:
        try:
            return _from_json(content, tags, _ends_beside(path))
        except (KeyError, TypeError, AttributeError) as error:
            raise VocabularyError(
                f"{str(path)!r} is not written as the tokenizers library writes it: {error}"
            ) from error
    if "vocab" in content and "config" in content:
        return _from_tekken(content, tags)
    raise VocabularyError(f"{str(path)!r} is neither a tokenizer.json nor a tekken.json")


def _from_json(
    content: Mapping[str, Any], tags: frozenset[str], ends: Iterable[int | str]
) -> tuple[list[bytes | None], list[int]]:
    """Read a `tokenizer.json` of the `tokenizers` library."""
    vocab = content["model"].get("vocab")
    if not vocab:
        raise VocabularyError("the tokenizer.json has no vocabulary under model.vocab")
    ids = {entry[0]: place for place, entry in enumerate(vocab)} if isinstance(vocab, list) else dict(vocab)
    convention = _convention(content)
    special = {entry["content"] for entry in content.get("added_tokens", ()) if entry["special"]}
    ids |= {entry["content"]: entry["id"] for entry in content.get("added_tokens", ())}
    tokens: list[bytes | None] = [None] * (max(ids.values()) + 1)
    for text, token in ids.items():
        if text not in special or text in tags or is_tag_token(text):
            tokens[token] = token_bytes(text, convention)
    named = [ids.get(end) if isinstance(end, str) else end for end in ends]
    known = [ids[text] for text in KNOWN_ENDS if text in special]
    return tokens, [end for end in named if end is not None] or known


def _convention(content: Mapping[str, Any]) -> Convention:
    kind = content["model"].get("type")
    if kind == "WordPiece":
        raise VocabularyError("a WordPiece tokenizer cannot be masked: its tokens do not say where spaces stand")
    spelled = json.dumps([content.get("decoder"), content.get("pre_tokenizer")])
    if '"ByteLevel"' in spelled:
        return "byte-level"
    return "sentencepiece" if "\\u2581" in spelled or '"ByteFallback"' in spelled else "plain"


def _ends_beside(path: Path) -> list[int | str]:
    """Find the end tokens in the settings that models are saved with."""
    ends: list[int | str] = []
    for name in SETTING_FILES:
        beside = path.with_name(name)
        if beside.is_file():
            settings = _settings(beside)
            found = settings.get("eos_token_id", settings.get("eos_token"))
            found = found.get("content") if isinstance(found, dict) else found
            ends.extend(found if isinstance(found, list) else [] if found is None else [found])
    return ends


def _settings(path: Path) -> dict[str, Any]:
    try:
        settings: dict[str, Any] = json.loads(path.read_bytes())
    except ValueError as error:
        raise VocabularyError(f"{str(path)!r}, which should name the end tokens, is no JSON: {error}") from error
    return settings


def _ends_of_object(tokenizer: Any) -> list[int | str]:
    end = getattr(tokenizer, "eos_token_id", None)
    return [] if end is None else [end]


def _from_gguf(metadata: Mapping[str, Any], tags: frozenset[str]) -> tuple[list[bytes | None], list[int]]:
    texts = metadata.get("tokenizer.ggml.tokens")
    convention = GGUF_CONVENTIONS.get(metadata.get("tokenizer.ggml.model", ""))
    if texts is None or convention is None:
        raise VocabularyError("the GGUF file holds no vocabulary of the kinds gpt2, llama or t5")
    kinds = metadata.get("tokenizer.ggml.token_type") or (1,) * len(texts)
    tokens = [
        None
        if kind in SILENT_GGUF_TYPES and text not in tags and not is_tag_token(text)
        else token_bytes(text, convention)
        for text, kind in zip(texts, kinds, strict=True)
    ]
    ends = [metadata[key] for key in GGUF_ENDS if key in metadata]
    ends += [place for place, text in enumerate(texts) if kinds[place] in SILENT_GGUF_TYPES and text in KNOWN_ENDS]
    return tokens, ends


def _from_tekken(content: Mapping[str, Any], tags: frozenset[str]) -> tuple[list[bytes | None], list[int]]:
    num_special = content["config"]["default_num_special_tokens"]
    num_tokens = content["config"]["default_vocab_size"]
    special: list[bytes | None] = [None] * num_special
    for entry in content.get("special_tokens") or ():
        if entry["token_str"] in tags or is_tag_token(entry["token_str"]):
            special[entry["rank"]] = entry["token_str"].encode()
    ranked = sorted(content["vocab"], key=lambda entry: entry["rank"])[: num_tokens - num_special]
    return [*special, *(base64.b64decode(entry["token_bytes"]) for entry in ranked)], [TEKKEN_END]


def _from_tiktoken(path: Path) -> tuple[list[bytes | None], list[int]]:
    """Read lines of base64 and rank; special tokens and ends are not in such a file."""
    ranks: dict[int, bytes] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            content, rank = line.split()
            ranks[int(rank)] = base64.b64decode(content, validate=True)
        except (ValueError, binascii.Error) as error:
            message = (
                f"{str(path)!r} is none of tokenizer.json, GGUF, tekken.json and tiktoken: as the last, its line "
                f"{number} would be a base64 token and its rank"
            )
            raise VocabularyError(message) from error
    tokens = [ranks.get(rank) for rank in range(max(ranks, default=-1) + 1)]
    return tokens, []
