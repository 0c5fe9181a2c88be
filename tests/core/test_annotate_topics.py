"""Topics: short, fit for a promise tag, and unlike each other within a group."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grammar import Promise, print_promise
from pasta_toolkit.annotate import cut_blocks
from pasta_toolkit.annotate.topics import distinct_topics, topic_options, topic_words
from tests.support.annotate_strategies import markdown_like
from tests.support.strategies import MODERATE


def topic(text, *, most_words=3):
    return topic_options(topic_words(text, cut_blocks(text)[0], most_words=most_words))[-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("## Executive Summary", "Executive Summary"),
        ("**Key Features:**\n", "Key Features"),
        ("1. **Understand the Radicals and Components**: Chinese is", "Understand Radicals Components"),
        ("- Dumplings: soft and warm", "Dumplings"),
        ("- Liger - The result of breeding", "Liger"),
        ("* [x] Buy milk.", "Buy milk"),
        ("3. You should drink enough water every day.", "drink enough water"),
        ("**Step 1: Generate a text**", "Step 1"),
        ("**2. Safety first**", "Safety"),
        ("The 444 29th St property", "444 29th St"),
        ("- [A link](http://example.org/x) to a page", "link page"),
        ("- *Do the Right Thing* (1989)", "Right Thing 1989"),
        ("```python\nx = 1\n```", "python code"),
        ("    x = 1\n", "x 1"),
        ("| Feature | Cost |\n|---|---|\n| a | b |\n", "Feature Cost"),
        ("> Quoted wisdom.", "Quoted wisdom"),
        ("<h4><b>How to Write</b></h4>", "Write"),
        ("- C++ is fast", "C++ fast"),
        ("🔹 Make a Difference \u2013 it counts", "Make Difference"),
        ("首先\uff0c我们需要了解数据的结构和来源。", "首先"),
        ("- 数据的结构和来源\uff1a很重要", "数据的结构和"),
        ("Das Wetter bleibt heute schön.", "Das Wetter bleibt"),
        ('"Quoted" & <b>bold</b>', "Quoted bold"),
        ("🎉🎉🎉", "part"),
        ("http://example.org/a/very/long/address/that/goes/on", "http://example.org/a/ver"),
    ],
)
def test_topics_are_headings_labels_or_leading_words(text, expected):
    assert topic(text) == expected


@MODERATE
@given(st.one_of(st.text(min_size=1), markdown_like().filter(bool)), st.integers(1, 9))
def test_every_option_fits_into_a_promise_tag(text, most_words):
    for block in cut_blocks(text):
        for option in topic_options(topic_words(text, block, most_words=most_words)):
            print_promise(Promise(option, 10))
            assert option == option.strip()


@MODERATE
@given(st.lists(st.lists(st.sampled_from(["a", "A", "b", "a b", "x" * 80]), min_size=1, max_size=3), max_size=12))
def test_topics_of_a_group_differ_in_more_than_case(candidates):
    topics = distinct_topics(candidates)
    assert len(topics) == len(candidates)
    assert len({topic.casefold() for topic in topics}) == len(topics)
    for one in topics:
        print_promise(Promise(one, 10))


def test_the_first_free_candidate_is_taken():
    assert distinct_topics([("Tips", "Tips more"), ("Tips", "Tips more"), ("Tips",)]) == ("Tips", "Tips more", "Tips 2")
