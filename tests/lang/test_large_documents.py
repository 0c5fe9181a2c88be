"""Size alone never breaks the language, nor keeps this suite waiting: L10 of docs/invariants.md."""

import pytest

from grammar import PastaSyntaxError, format_document, parse, render

NUM_PROMISES = 100_000
FEWER = 20_000
NUM_CHARACTERS = 1_000_000
PROMISE = '<promise topic="x" tokens="10"/>'
BLOCK = "<async>a</async>"
SHAPES = {
    "inline": (PROMISE + BLOCK) * NUM_PROMISES,
    "grouped": PROMISE * NUM_PROMISES + BLOCK * NUM_PROMISES,
    "inline, one sync": (PROMISE + BLOCK) * NUM_PROMISES + "<sync/>",
    "grouped, one sync": PROMISE * NUM_PROMISES + BLOCK * NUM_PROMISES + "<sync/>",
    "a sync for each": (PROMISE + BLOCK + "<sync/>") * NUM_PROMISES,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_hundred_thousand_promises_parse_print_and_render(shape):
    document = parse(SHAPES[shape])
    assert len(document.promises) == len(document.blocks) == NUM_PROMISES
    assert format_document(document) == SHAPES[shape]
    assert render(document) == "a" * NUM_PROMISES


def test_a_large_document_changes_its_layout():
    inline, grouped = (PROMISE + BLOCK) * FEWER, PROMISE * FEWER + BLOCK * FEWER
    assert format_document(parse(grouped), layout="inline") == inline
    assert format_document(parse(inline), layout="grouped") == grouped


@pytest.mark.parametrize("text", ["<" * NUM_CHARACTERS, "&" + "amp;" * NUM_CHARACTERS, "&amp;" * NUM_CHARACTERS])
def test_a_million_characters_of_near_tags_and_near_escapes_are_text(text):
    assert render(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("<async>" * NUM_CHARACTERS, 0),
        ("<" * NUM_CHARACTERS + "</async>", NUM_CHARACTERS),
        ('<promise topic="' * NUM_PROMISES, 0),
        ('<promise topic="' + "x" * NUM_CHARACTERS, 0),
        (PROMISE * NUM_PROMISES, len(PROMISE) * NUM_PROMISES),
        (PROMISE * FEWER + BLOCK * FEWER + "<sync/><sync/>", len(PROMISE + BLOCK) * FEWER + len("<sync/>")),
    ],
    ids=["async openings", "late end", "open promises", "endless topic", "no blocks", "one sync too many"],
)
def test_the_fault_of_a_large_text_is_found_at_its_place(text, offset):
    with pytest.raises(PastaSyntaxError) as caught:
        parse(text)
    assert caught.value.offset == offset
    assert len(str(caught.value)) < 400
