"""Vocabularies of every published kind, read from small files that the tests make, and from the real ones."""

import base64
import json
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models

from pasta_toolkit.mask import VocabularyError, load_vocabulary
from pasta_toolkit.mask.conventions import token_bytes
from tests.support.mask_vocabularies import source_of


def byte_level_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(vocab={"a": 0, "\u0120a": 1, "\u010a": 2, "\u00c3\u0142": 3}, merges=[]))
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>", "<promise", "<sync/>"])
    tokenizer.add_tokens([AddedToken("<ul> x")])
    return tokenizer


def test_byte_level_tokenizers_and_their_added_tokens(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    byte_level_tokenizer().save(str(path))
    expected = (b"a", b" a", b"\n", b"\xc3\xa0", b"", b"<promise", b"<sync/>", b"<ul> x")
    for source in (path, tmp_path, byte_level_tokenizer()):
        vocabulary = load_vocabulary(source)
        assert vocabulary.tokens[:3] == expected[:3]
        assert vocabulary.tokens[4:] == expected[4:]
        assert vocabulary.ends == (4,)


def test_objects_of_transformers_are_read_with_their_end() -> None:
    wrapped = SimpleNamespace(backend_tokenizer=byte_level_tokenizer(), eos_token_id=4)
    assert load_vocabulary(wrapped).ends == (4,)
    assert load_vocabulary(wrapped, num_logits=64).num_logits == 64


def test_sentencepiece_conventions() -> None:
    assert token_bytes("\u2581\u2581a", "sentencepiece") == b"  a"
    assert token_bytes("<0xE2>", "sentencepiece") == b"\xe2"
    assert token_bytes("<0xE2> ", "sentencepiece") == b"<0xE2> "
    assert token_bytes("a\u2581", "plain") == "a\u2581".encode()


def test_settings_beside_the_tokenizer_name_the_ends(tmp_path: Path) -> None:
    byte_level_tokenizer().save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [4, 0]}))
    assert load_vocabulary(tmp_path).ends == (0, 4)


def gguf(pairs: dict[str, Any]) -> bytes:
    def string(text: str) -> bytes:
        return struct.pack("<Q", len(text.encode())) + text.encode()

    def value(content: Any) -> bytes:
        if isinstance(content, str):
            return struct.pack("<I", 8) + string(content)
        if isinstance(content, int):
            return struct.pack("<II", 4, content)
        if isinstance(content[0], str):
            return struct.pack("<IIQ", 9, 8, len(content)) + b"".join(map(string, content))
        return struct.pack(f"<IIQ{len(content)}i", 9, 5, len(content), *content)

    body = b"".join(string(key) + value(content) for key, content in pairs.items())
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + body


GGUF_PAIRS = {
    "general.name": "small",
    "tokenizer.ggml.model": "llama",
    "tokenizer.ggml.tokens": ["<pad>", "<eos>", "<0x0A>", "\u2581a", "<ul>", "<end_of_turn>", "<sync/>"],
    "tokenizer.ggml.token_type": [3, 3, 6, 1, 4, 3, 3],
    "tokenizer.ggml.eos_token_id": 1,
}


def test_gguf_files_are_read_by_their_header(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf(GGUF_PAIRS))
    vocabulary = load_vocabulary(path)
    assert vocabulary.tokens == (b"", b"", b"\n", b" a", b"<ul>", b"", b"<sync/>")
    assert vocabulary.ends == (1, 5)


def test_a_damaged_or_foreign_gguf_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf(GGUF_PAIRS)[:90])
    with pytest.raises(VocabularyError, match="is damaged or breaks off"):
        load_vocabulary(path)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 9, 0, 0))
    with pytest.raises(VocabularyError, match="is GGUF version 9"):
        load_vocabulary(path)
    path.write_bytes(gguf({"general.name": "small"}))
    with pytest.raises(VocabularyError, match="holds no vocabulary of the kinds"):
        load_vocabulary(path)


def test_tiktoken_files_need_their_ends_named(tmp_path: Path) -> None:
    path = tmp_path / "small.tiktoken"
    path.write_bytes(b"".join(base64.b64encode(bytes([byte])) + b" %d\n" % byte for byte in range(256)))
    assert load_vocabulary(path, ends=[300], num_logits=301).tokens[65] == b"A"
    with pytest.raises(VocabularyError, match="name its id or ids"):
        load_vocabulary(path)
    path.write_bytes(b"what is this\n")
    with pytest.raises(
        VocabularyError, match=r"none of tokenizer.json, GGUF, tekken.json and tiktoken: as the last, its line 1"
    ):
        load_vocabulary(path)


def test_tekken_files(tmp_path: Path) -> None:
    path = tmp_path / "tekken.json"
    vocab = [{"rank": rank, "token_bytes": base64.b64encode(bytes([rank])).decode()} for rank in range(256)]
    special = [{"rank": 3, "token_str": "<sync/>"}, {"rank": 2, "token_str": "</s>"}]
    config = {"default_num_special_tokens": 4, "default_vocab_size": 104}
    path.write_text(json.dumps({"config": config, "vocab": vocab, "special_tokens": special}))
    vocabulary = load_vocabulary(path)
    assert (vocabulary.num_logits, vocabulary.ends) == (104, (2,))
    assert vocabulary.tokens[3:6] == (b"<sync/>", b"\x00", b"\x01")


@pytest.mark.parametrize(("name", "size"), [("smollm2", 49152), ("gemma3", 262144), ("tekken", 131072)])
def test_real_vocabularies_have_all_bytes_and_their_size(name: str, size: int) -> None:
    vocabulary = load_vocabulary(source_of(name))
    assert vocabulary.num_logits == size
    singles = {content for content in vocabulary.tokens if len(content) == 1}
    assert singles >= {bytes([byte]) for byte in range(0x20, 0x7F)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is no JSON"),
        (b'{"a": 1}', "neither a tokenizer.json nor a tekken.json"),
        (b'{"model": {"type": "BPE", "vocab": {}}}', "has no vocabulary under model.vocab"),
        (b'{"model": {"type": "BPE", "vocab": {"a": "b"}}}', "not written as the tokenizers library writes it"),
        (b'{"model": {"type": "BPE", "vocab": {"a": 0}}}', "no end-of-sequence token: name its id or ids"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(VocabularyError, match=message):
        load_vocabulary(tmp_path)


def test_settings_that_are_no_json_are_named(tmp_path: Path) -> None:
    byte_level_tokenizer().save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(VocabularyError, match=r"config.json', which should name the end tokens, is no JSON"):
        load_vocabulary(tmp_path)


def test_what_is_no_vocabulary_is_refused() -> None:
    with pytest.raises(VocabularyError, match="a token is the bytes that it writes, or None; found 'a'"):
        load_vocabulary(["a"], ends=[0])
    with pytest.raises(VocabularyError, match="no vocabulary 'nowhere'"):
        load_vocabulary("nowhere")
    with pytest.raises(VocabularyError, match="cannot read a vocabulary from int"):
        load_vocabulary(3)
    with pytest.raises(VocabularyError, match="WordPiece"):
        load_vocabulary(Tokenizer(models.WordPiece({"a": 0}, unk_token="a")))
