"""Tokenizers out of GGUF files: Gemma's pieces are rebuilt, SmolLM2's is recognised, others need a tokenizer.json."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from gguf import GGUFWriter

from reference_engine.errors import ModelError
from reference_engine.model.gguf_tokenizer import embedded_tokenizer
from reference_engine.text import Tokenizer, load_tokenizer
from tests.support.engine_gguf import write_gguf
from tests.support.engine_models import our_model, tiny_config

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6
SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>", "<turn>"]
WHOLE = ["\n\n"]
PIECES = ["he", "ll", "\u2581w", "hell", "hello", "\u2581hello", "or", "ld", "\u2581wor", "\u2581world"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
CHARACTERS = list("helowrd\u2581\n")
TOKENS = [*SPECIAL, *WHOLE, *BYTES, *PIECES, *CHARACTERS]
TYPES = (
    [CONTROL] * 3
    + [UNKNOWN, CONTROL]
    + [USER_DEFINED] * len(WHOLE)
    + [BYTE] * len(BYTES)
    + [NORMAL] * (len(PIECES) + len(CHARACTERS))
)


def write(folder: Path, add: Callable[[GGUFWriter], None]) -> Path:
    write_gguf(our_model(tiny_config("gemma")), folder / "model.gguf", add_metadata=add)
    return folder / "model.gguf"


def add_pieces(writer: GGUFWriter, *, tokens: Sequence[str] = TOKENS, types: Sequence[int] = TYPES) -> None:
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_add_space_prefix(False)
    writer.add_bos_token_id(2)
    writer.add_unk_token_id(3)
    writer.add_pad_token_id(0)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> Tokenizer:
    return load_tokenizer(write(tmp_path_factory.mktemp("pieces"), add_pieces))


def test_pieces_merge_in_the_order_of_their_ids(tokenizer):
    tokens = [tokenizer.library.id_to_token(token) for token in tokenizer.encode("hello hello world")]
    assert tokens == ["hello", "\u2581hello", "\u2581world"]


def test_what_is_no_piece_becomes_bytes_and_comes_back(tokenizer):
    tokens = [tokenizer.library.id_to_token(token) for token in tokenizer.encode("hé")]
    assert tokens == ["h", "<0xC3>", "<0xA9>"]
    for text in ("  hello\n\nworld é👍", "漢字 <turn>"):
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_stream_of_bytes_waits_for_the_whole_character(tokenizer):
    stream = tokenizer.stream()
    assert [stream.push(token) for token in tokenizer.encode("h👍")] == ["h", "", "", "", "👍"]


def test_control_tokens_are_made_by_prompts_only(tokenizer):
    assert tokenizer.encode_prompt("<turn>hello") == [2, 4, TOKENS.index("hello")]
    assert 4 not in tokenizer.encode("<turn>hello")
    assert tokenizer.encode("\n\n") == [TOKENS.index("\n\n")]
    assert (tokenizer.end_tokens, tokenizer.special["bos_token"]) == ((2,), "<bos>")


def test_a_tokenizer_json_beside_the_file_comes_first(tmp_path):
    path = write(tmp_path, add_pieces)
    embedded_tokenizer().save(str(tmp_path / "tokenizer.json"))
    assert load_tokenizer(path).num_tokens == 49152


def add_other(writer: GGUFWriter) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(["a", "b", "c", "d"])
    writer.add_bos_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_pad_token_id(3)


def test_a_kind_that_the_file_only_names_asks_for_its_tokenizer_json(tmp_path):
    with pytest.raises(ModelError, match=r"of the kind gpt2, llama-bpe, .* put the model's tokenizer\.json beside it"):
        load_tokenizer(write(tmp_path, add_other))


def test_a_file_without_a_tokenizer_is_one_clear_error(tmp_path):
    with pytest.raises(ModelError, match=r"cannot read the tokenizer of .*model\.gguf"):
        load_tokenizer(write(tmp_path, lambda _writer: None))
    with pytest.raises(ModelError, match=r"cannot read the tokenizer of .*model\.gguf"):
        load_tokenizer(write(tmp_path, lambda writer: add_pieces(writer, types=TYPES[:-1])))
