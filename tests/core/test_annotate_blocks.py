"""Blocks: nothing of a text is lost, and what belongs together stays together."""

import pytest
from hypothesis import given

from pasta_toolkit.annotate import BlockKind, cut_blocks
from pasta_toolkit.annotate.blocks import LONGEST_STRUCTURED
from tests.support.annotate_answers import MODELS, real_answers
from tests.support.annotate_strategies import markdown_like
from tests.support.lang_paths import needs_alpaca_eval
from tests.support.strategies import MODERATE, any_text, tag_soup

HEADING, PARAGRAPH, ITEM, LINE = BlockKind.HEADING, BlockKind.PARAGRAPH, BlockKind.ITEM, BlockKind.LINE
CODE, TABLE, QUOTE, HTML, VERSE = BlockKind.CODE, BlockKind.TABLE, BlockKind.QUOTE, BlockKind.HTML, BlockKind.VERSE


def kinds(text):
    return [block.kind for block in cut_blocks(text)]


def contents(text):
    return [block.of(text) for block in cut_blocks(text)]


def assert_is_partition(text):
    blocks = cut_blocks(text)
    assert "".join(contents(text)) == text
    assert [block.start for block in blocks[1:]] == [block.end for block in blocks[:-1]]
    assert all(block.start < block.end for block in blocks)


@MODERATE
@given(any_text())
def test_blocks_partition_any_text(text):
    assert_is_partition(text)


@MODERATE
@given(markdown_like())
def test_blocks_partition_text_like_markdown(text):
    assert_is_partition(text)


@MODERATE
@given(tag_soup())
def test_blocks_partition_text_full_of_tags(text):
    assert_is_partition(text)


@needs_alpaca_eval
@pytest.mark.parametrize("model", MODELS)
def test_blocks_partition_every_real_answer(model):
    for answer in real_answers(model):
        assert_is_partition(answer)


def test_an_empty_text_has_no_blocks():
    assert cut_blocks("") == ()


@pytest.mark.parametrize("text", ["\n\n", "   ", "\f", "\0", "\r", "---", "\ufeff"])
def test_a_text_without_words_is_one_block(text):
    assert contents(text) == [text]


def test_blank_lines_belong_to_the_block_before_them():
    assert contents("\n\na\n\n\nb\n\n") == ["\n\na\n\n\n", "b\n\n"]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_all_ends_of_lines_are_understood(newline):
    text = newline.join(["# Pets", "", "Some:", "", "- cats", "- dogs", "", "Fin."])
    assert kinds(text) == [HEADING, PARAGRAPH, ITEM, ITEM, PARAGRAPH]
    assert_is_partition(text)


def test_nested_items_stay_with_their_item():
    assert contents("1. a\n   - b\n   - c\n\n   d\n2. e\n") == ["1. a\n   - b\n   - c\n\n   d\n", "2. e\n"]


def test_tables_code_quotes_and_html_are_whole():
    text = "| a | b |\n|---|---|\n| 1 | 2 |\n\n```py\nx\n\n# y\n```\n\n> q\n>\n> r\n\n<div>\nz\n</div>\n"
    assert kinds(text) == [TABLE, CODE, QUOTE, HTML]


def test_unclosed_code_reaches_to_the_end():
    assert contents("a\n\n```\nb\n\n- c\n") == ["a\n\n", "```\nb\n\n- c\n"]


@pytest.mark.parametrize(
    "title",
    ["# Title", "Title\n===", "Title\n---", "**Title**", "**Title:**", "__Title__:", "Title of it", "<h3>Title</h3>"],
)
def test_headings_have_many_forms(title):
    assert kinds(f"Before.\n\n{title}\n\nText that is long enough to be a sentence.")[1] is HEADING


@pytest.mark.parametrize("line", ["A sentence.", "A question?", "A lead-in:", "word " * 20, "**a** and **b** are."])
def test_these_lines_are_no_headings(line):
    assert kinds(f"Before.\n\n{line}\n\nText that is long enough to be a sentence.")[1] is PARAGRAPH


def test_a_long_paragraph_over_a_rule_is_no_heading():
    text = "This is a sentence of some length, and then there is a rule under it, without a blank line.\n---\n\nNext."
    assert contents(text)[1] == "Next."
    assert kinds(text) == [PARAGRAPH, PARAGRAPH]


def test_a_bold_line_over_text_is_a_heading_and_a_paragraph():
    assert contents("**Tip**\nDo it.\n") == ["**Tip**\n", "Do it.\n"]


@pytest.mark.parametrize(
    "lines",
    [
        ["• one", "• two", "• three"],
        ["🔹 Make \u2013 do", "🔹 Learn \u2013 do", "🔹 Grow \u2013 do"],
        ["Step 1: mix", "Step 2: bake", "Step 3: eat"],
        ["Name: Ada", "Born: 1815", "Died: 1852"],
        ["a) one", "b) two", "c) three"],
        ["**One** is first", "**Two** is next", "**Three** is last"],
        ["#tea", "#coffee #milk", "#water"],
    ],
)
def test_lists_without_markdown_are_cut_into_lines(lines):
    text = "\n".join(["Here they are:", *lines])
    assert kinds(text) == [LINE] * 4
    assert len({block.list_index for block in cut_blocks(text)}) == 1


def test_a_dialogue_is_no_list():
    assert LINE not in kinds("Ann: Hello.\nBob: Hello.\nAnn: Goodbye.\nBob: Goodbye.")


def test_stanzas_are_verse():
    assert kinds("Roses are red,\nViolets are blue,\nSugar is sweet.\n\nAnd so are\nall\nof you.") == [VERSE, VERSE]


def test_displayed_formulas_are_known():
    assert kinds("Then:\n\n$$a = b$$\n\n\\[\nc = d\n\\]\n\nQed.")[1:3] == [BlockKind.FORMULA] * 2


def test_a_list_goes_on_with_the_next_number():
    blocks = cut_blocks("1. Install:\n\n```\npip\n```\n\n2. Run:\n\n```\npy\n```\n\n3. Look.\n")
    assert len({block.list_index for block in blocks if block.kind is ITEM}) == 1


def test_a_list_does_not_go_on_behind_a_heading():
    blocks = cut_blocks("1. a\n\n# B\n\n2. c\n")
    assert len({block.list_index for block in blocks if block.kind is ITEM}) == 2


def test_link_definitions_are_text():
    assert kinds("a\n\n[b]: http://c.d\n\ne [b]\n") == [PARAGRAPH, PARAGRAPH, PARAGRAPH]


def test_deep_nesting_is_survived():
    for text in (
        "> " * 2000,
        "- " * 2000,
        "".join(" " * (2 * i) + "- a\n" for i in range(300)),
        "[" * 5000,
        "*" * 5000,
    ):
        assert_is_partition(text)


def test_a_text_beyond_any_answer_is_one_block():
    assert len(cut_blocks("- a\n" * (LONGEST_STRUCTURED // 4 + 1))) == 1
