"""The outline: which block must see which."""

import pytest
from hypothesis import given

from pasta_toolkit.annotate import AnnotationPolicy
from pasta_toolkit.annotate.coarsening import MANY_BLOCKS, coarsened
from pasta_toolkit.annotate.outline import find_outline
from pasta_toolkit.annotate.remarks import Region
from tests.support.annotate_strategies import markdown_like
from tests.support.strategies import MODERATE

POLICY = AnnotationPolicy()
FREE = AnnotationPolicy(keeps_introduction=False)
REMARKS = AnnotationPolicy(waits="remarks")
LONG = "A sentence that is long enough to be no title."


def governors(*blocks, policy=FREE):
    return list(find_outline("\n\n".join(blocks), policy).governors)


def barriers(*blocks, policy=POLICY):
    return list(find_outline("\n\n".join(blocks), policy).barriers)


def test_an_introduction_governs_all():
    assert governors(LONG, LONG, "# A", LONG, policy=POLICY) == [-1, 0, 0, 2]
    assert governors(LONG, LONG, "# A", LONG) == [-1, -1, -1, 2]


def test_a_title_governs_all():
    assert governors("# T", "## A", LONG, "## B", LONG) == [-1, 0, 1, 0, 3]
    assert governors("**T**", "**A**", LONG, "**B**", LONG) == [-1, 0, 1, 0, 3]


def test_sections_without_a_title_stand_apart():
    assert governors("# A", LONG, "# B", LONG, policy=POLICY) == [-1, 0, -1, 2]


def test_a_title_and_an_introduction_govern_together():
    assert governors("# T", LONG, "## A", LONG, policy=POLICY) == [-1, 0, 1, 2]


def test_subsections_stand_under_their_section():
    assert governors("## A", "### B", LONG, "## C", LONG)[1:3] == [0, 1]
    assert governors(LONG, "## A", "### B", LONG, "## C", LONG) == [-1, -1, 1, 2, -1, 4]


def test_a_lead_in_governs_its_list():
    assert governors(LONG, "Some pets:", "- cat\n- dog", LONG) == [-1, -1, 1, 1, -1]


def test_a_lead_in_governs_the_block_behind_it():
    assert governors(LONG, "So it is:", LONG, LONG) == [-1, -1, 1, -1]


def test_a_lead_in_governs_the_sections_behind_it():
    text = [LONG, "The days:", "**Monday**", LONG, "**Tuesday**", LONG, "# Else", LONG]
    assert governors(*text) == [-1, -1, 1, 2, 1, 4, -1, 6]


def test_a_bare_list_hangs_on_its_first_line():
    assert governors(LONG, "Pets:\n• cat\n• dog\n• owl") == [-1, -1, 1, 1, 1]


def test_a_number_governs_what_stands_before_the_next():
    assert governors(LONG, "1. one", LONG, "- a\n- b", "2. two", LONG) == [-1, -1, 1, 1, 1, -1, -1]


@pytest.mark.parametrize("used", ["```\ncode\n```", "$$a = b$$", "one\ntwo\nthree"])
def test_code_formulas_and_verse_govern_all_behind_them(used):
    assert governors(LONG, LONG, used, LONG, "# A", LONG) == [-1, -1, -1, 2, 2, 4]


def test_each_paragraph_of_a_story_sees_those_before():
    speech = ['"Come in," said the fox, and the owl came in to see what there was.'] * 3
    assert governors(*speech, LONG) == [-1, 0, 1, 2]


def test_conclusions_are_barriers():
    assert barriers(LONG, "- a\n- b", "In conclusion, it is so.") == [3]
    assert barriers(LONG, "# A", LONG, "# B", LONG, "## Conclusion", LONG) == [5]


def test_a_summary_at_the_beginning_is_no_barrier():
    assert barriers("## Summary", LONG, "## Details", LONG, "## More", LONG) == []


def test_references_to_other_blocks_are_barriers():
    assert barriers(LONG, "- a", "- b, as mentioned above", LONG) == [2]
    assert barriers(LONG, "- a", "- b, as mentioned above", LONG, policy=AnnotationPolicy(waits="nothing")) == []


def test_remarks_belong_to_their_list():
    outline = find_outline(f"# A\n\n- a\n- b\n\n{LONG}\n\n{LONG}\n\n# B\n\n{LONG}", REMARKS)
    assert outline.regions == (Region(1, 3, 5),)
    assert outline.barriers == ()


def test_remarks_at_the_end_are_a_barrier():
    outline = find_outline(f"{LONG}\n\n# A\n\n- a\n- b\n\n{LONG}", REMARKS)
    assert outline.regions == ()
    assert outline.barriers == (4,)


def test_a_list_with_remarks_inside_another_list_becomes_one_block():
    text = f"# A\n\n1. one\n\n- a\n- b\n\n{LONG}\n\n2. two\n\n{LONG}\n\n# B\n\n{LONG}"
    outline = find_outline(text, REMARKS)
    assert outline.blocks[2].of(text) == f"- a\n- b\n\n{LONG}\n\n"
    assert outline.regions == (Region(1, 4, 5),)


@MODERATE
@given(markdown_like())
def test_what_a_block_governs_stands_together_behind_it(text):
    for policy in (POLICY, REMARKS):
        outline = find_outline(text, policy)
        ancestors = []
        for index, governor in enumerate(outline.governors):
            assert -1 <= governor < index
            ancestors.append({governor, *ancestors[governor]} - {-1} if governor >= 0 else set())
            assert ancestors[index] <= {index - 1, *ancestors[index - 1]} if index else not ancestors[index]


@MODERATE
@given(markdown_like())
def test_regions_are_apart_and_fusing_loses_no_text(text):
    outline = find_outline(text, REMARKS)
    assert "".join(block.of(text) for block in outline.blocks) == text
    edges = [edge for region in outline.regions for edge in region.edges]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(outline.blocks) for edge in edges)


def test_long_texts_are_planned_in_larger_blocks():
    text = f"{LONG}\n\n" + "".join(f"## Section {number}\n\n- a\n- b\n\n" for number in range(300))
    whole = find_outline(text, POLICY)
    coarse = coarsened(whole)
    assert len(coarse.blocks) <= MANY_BLOCKS < len(whole.blocks)
    assert "".join(block.of(text) for block in coarse.blocks) == text
    assert set(coarse.governors) <= set(range(-1, len(coarse.blocks)))
    assert coarsened(coarse) == coarse
