"""The cuts in the manner of other systems."""

from grammar import AsyncBlock, Promise, Sync, Text
from pasta_toolkit.annotate import annotate
from pasta_toolkit.tokens import WordEstimate

WORDS = WordEstimate()
SENTENCES = "This is the first sentence. And here is another one, which is the detail of it."


def shape(text, method):
    letters = {Text: "t", Promise: "p", AsyncBlock: "b", Sync: "s"}
    return "".join(letters[type(node)] for node in annotate(text, counter=WORDS, method=method).document.nodes)


def branches(text, method):
    return [block.content for block in annotate(text, counter=WORDS, method=method).document.blocks]


def topics(text, method):
    return [promise.topic for promise in annotate(text, counter=WORDS, method=method).document.promises]


def test_sot_makes_each_point_a_branch_and_waits_for_the_list():
    text = "Pets:\n\n1. cats\n2. dogs\n\nFin."
    assert shape(text, "sot") == "tpbpbst"
    assert branches(text, "sot") == ["1. cats\n", "2. dogs\n\n"]


def test_sot_knows_no_bound_on_branches_and_does_not_ask_whether_they_pay():
    assert shape("- a\n" * 40, "sot") == "pb" * 40


def test_sot_keeps_what_belongs_to_a_point_with_it():
    text = "1. one:\n\n```\nx\n```\n\n2. two\n"
    assert branches(text, "sot") == ["1. one:\n\n```\nx\n```\n\n", "2. two\n"]


def test_sot_waits_between_lists():
    assert shape("- a\n- b\n\n# More\n\n- c\n- d\n", "sot") == "pbpbstpbpb"


def test_sot_leaves_answers_without_a_list_alone():
    assert shape(f"{SENTENCES}\n\n{SENTENCES}", "sot") == "t"
    assert shape("- only one point\n\nText.", "sot") == "t"


def test_apar_forks_the_detail_of_list_items_and_never_waits():
    items = "1. **Cats**: they are soft and warm.\n2. **Dogs**: they are loud and true.\n3. Owls: they see at night.\n"
    text = f"Pets:\n\n{items}\nFin."
    assert shape(text, "apar-lists") == "tpbtpbtpbt"
    assert branches(text, "apar-lists")[0] == " they are soft and warm.\n"
    assert topics(text, "apar-lists") == ["Cats", "Dogs", "Owls"]


def test_apar_forks_paragraphs_behind_their_first_sentence():
    text = "\n\n".join([SENTENCES] * 3)
    assert shape(text, "apar-lists") == "tpbtpbtpb"
    assert branches(text, "apar-lists")[0] == "And here is another one, which is the detail of it.\n\n"
    assert topics(text, "apar-lists") == ["sentence", "sentence 2", "sentence 3"]


def test_apar_leaves_short_lists_and_few_paragraphs_alone():
    assert shape("- a: something of a detail\n- b: something of a detail\n", "apar-lists") == "t"
    assert shape(f"{SENTENCES}\n\n{SENTENCES}", "apar-lists") == "t"
