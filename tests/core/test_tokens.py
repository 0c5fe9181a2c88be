"""Token counts are those of the tokenizer that they name, and an estimate calls itself one."""

import gzip
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasta_toolkit.tokens import TokenizerError, WordEstimate, load_counter

SMOLLM2 = load_counter()


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ('<promise topic="Risks" tokens="40"/>', 13),
        ("<sync/>", 3),
        ("<async>", 3),
        ("</async>", 3),
        ("", 0),
        ("2026", 4),
    ],
)
def test_default_tokenizer_gives_the_published_costs_of_tags(text: str, tokens: int) -> None:
    assert SMOLLM2.count(text) == tokens


def test_default_is_exact_and_names_itself() -> None:
    assert (SMOLLM2.name, SMOLLM2.is_exact) == ("smollm2", True)


def test_word_estimate_says_that_it_is_one() -> None:
    estimate = load_counter("words")
    assert not estimate.is_exact
    assert "words x 1.3" in estimate.name
    assert "estimate" in estimate.name


@pytest.mark.parametrize(("words", "tokens"), [(0, 0), (1, 2), (3, 4), (10, 13), (11, 15)])
def test_word_estimate_is_words_times_one_point_three_rounded_up(words: int, tokens: int) -> None:
    assert WordEstimate().count("word " * words) == tokens


@given(st.lists(st.text(max_size=40), max_size=6))
def test_batch_counts_equal_single_counts(texts: list[str]) -> None:
    assert SMOLLM2.count_batch(texts) == [SMOLLM2.count(text) for text in texts]


@given(st.text(max_size=60))
def test_byte_level_tokenizer_needs_at_most_one_token_a_byte(text: str) -> None:
    assert SMOLLM2.count(text) <= len(text.encode("utf-8"))


@pytest.mark.parametrize("is_folder", [True, False])
def test_tokenizer_file_and_its_folder_load(tmp_path: Path, *, is_folder: bool) -> None:
    packed = files("pasta_toolkit.tokens").joinpath("data/smollm2.json.gz").read_bytes()
    path = tmp_path / "tokenizer.json"
    path.write_bytes(gzip.decompress(packed))
    counter = load_counter(str(tmp_path if is_folder else path))
    assert counter.count("Hello, world") == SMOLLM2.count("Hello, world")


def test_unknown_tokenizer_is_a_sentence_that_names_the_choices() -> None:
    with pytest.raises(
        TokenizerError, match=r"no tokenizer 'gpt-9': give 'smollm2', 'words', or the path of a tokenizer.json"
    ):
        load_counter("gpt-9")


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b"\xff\xfe"])
def test_malformed_tokenizer_file_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(TokenizerError, match="cannot read the tokenizer"):
        load_counter(str(path))
