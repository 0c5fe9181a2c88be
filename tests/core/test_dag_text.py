import pytest
from hypothesis import given
from hypothesis import strategies as st

from grammar import Document, parse
from pasta_toolkit.dag import build_dag
from pasta_toolkit.dag.export import to_text
from pasta_toolkit.dag.terminal import display_width, elided
from pasta_toolkit.dag.wording import counted_with
from pasta_toolkit.tokens import load_counter
from tests.support.dag_samples import HOSTILE_TOPICS, annotated, branches
from tests.support.dag_strategies import LIGHT, CharacterCounter, documents, main_documents

COUNTER = CharacterCounter()
LABEL_COLUMNS = 24

TWO_BRANCHES = (
    'ab<promise topic="x" tokens="10"/><async>12345</async><promise topic="y" tokens="10"/><async>1</async>c<sync/>d'
)
SHOWN = """\
tokens counted with   characters (exact)
sequential tokens     10
critical-path tokens  90
decoded tokens        111, of which 101 in tags
ideal speed-up        0.11  (sequential / critical-path tokens)
parallelism           1.23  (decoded / critical-path tokens)
width                 2  (most threads decoding at once)
tag overhead          91.0%  (tag tokens / decoded tokens)
promises              2 in 1 group, 1 sync

main                     ██████████████████████████████······┃┃┃┃
1 x                                     ▒▒▒▒▒▒▒▒▒
2 y                                                   ████████
                         0                              90 tokens
█ critical path   ▒ other tokens   · waiting for branches   ┃ sync
"""


def shown(text: str, *, columns: int = 80, ascii_only: bool = False) -> str:
    return to_text(build_dag(parse(text), COUNTER), columns=columns, ascii_only=ascii_only)


def test_two_branches_are_shown_with_measures_lanes_and_a_legend() -> None:
    assert shown(TWO_BRANCHES, columns=65) == SHOWN


def test_ascii_shows_the_same_picture() -> None:
    assert shown(TWO_BRANCHES, columns=65, ascii_only=True) == SHOWN.translate(str.maketrans("█▒·┃", "#=.|"))


@LIGHT
@given(documents(), st.integers(1, 120), st.booleans())
def test_no_lane_is_wider_than_asked_for_but_for_ten_cells(document: Document, columns: int, ascii_only: bool) -> None:
    text = to_text(build_dag(document, COUNTER), columns=columns, ascii_only=ascii_only)
    lanes = text.partition("\n\n")[2].splitlines()[:-2]
    assert all(display_width(line) <= max(columns, LABEL_COLUMNS + 11) for line in lanes)


@LIGHT
@given(documents())
def test_every_thread_has_a_line_of_its_own(document: Document) -> None:
    dag = build_dag(document, COUNTER)
    lanes = to_text(dag).partition("\n\n")[2].splitlines()[:-2]
    assert len(lanes) == (1 + dag.num_branches if dag.chunks else 0)


def test_labels_of_any_script_leave_the_lanes_aligned() -> None:
    topics = [topic for topic in HOSTILE_TOPICS if "\u2028" not in topic]
    lanes = shown(annotated(*topics)).partition("\n\n")[2].splitlines()[1:-2]
    for index, line in enumerate(lanes):
        label = line[: line.index(next(character for character in line if character in "█▒"))].rstrip()
        assert display_width(label) <= LABEL_COLUMNS
        assert label.startswith(f"{index + 1} ")


def test_more_branches_than_a_screen_shows_are_counted() -> None:
    lines = shown(branches(*["x"] * 100)).splitlines()
    assert lines[-3] == "(37 more branches are not shown)"
    assert len(lines) == 10 + 64 + 3


def test_an_empty_document_has_measures_and_no_picture() -> None:
    assert shown("").endswith("promises              0\n")


def test_a_branch_and_its_tokens_are_shown() -> None:
    dag = build_dag(parse("some words</async>", form="branch"), COUNTER)
    assert "\nbranch                   █████" in to_text(dag)


@LIGHT
@given(main_documents())
def test_promised_lengths_are_never_passed_off_as_decoded_ones(document: Document) -> None:
    assert "none has been decoded" in to_text(build_dag(document, COUNTER))


@pytest.mark.parametrize(("name", "wording"), [("smollm2", "smollm2 (exact)"), ("words", "words x 1.3 (an estimate)")])
def test_an_estimate_is_called_one(name: str, wording: str) -> None:
    assert to_text(build_dag(parse("x"), load_counter(name))).startswith(f"tokens counted with   {wording}\n")


def test_an_estimate_that_does_not_say_so_is_called_one_all_the_same() -> None:
    assert counted_with("bytes / 4", is_exact=False) == "bytes / 4 (an estimate)"


@LIGHT
@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 30))
def test_an_elided_text_fits_and_begins_as_it_did(text: str, columns: int) -> None:
    cut = elided(text, columns)
    assert display_width(cut) <= columns
    assert cut == text or cut.endswith("…") or display_width(text) <= columns


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("睡眠", 4), ("e\u0301", 1), ("\u202eabc", 3)])
def test_wide_and_combining_characters_have_their_width(text: str, columns: int) -> None:
    assert display_width(text) == columns
