"""Lints: when they speak, when they hold their tongue, and where the lines are drawn."""

import pytest

from pasta_toolkit.diagnostics import Diagnostic, Settings, Thresholds, diagnose, fix
from pasta_toolkit.diagnostics.estimate import TAG_TOKENS, TOKENS_PER_WORD, count_words, round_to_tens, tokens_of_words
from pasta_toolkit.tokens import load_counter
from pasta_toolkit.tokens.counter import TOKENS_PER_WORD as TOKENS_PER_WORD_OF_COUNTER


def block(content: str, *, topic: str = "fox", tokens: int = 10) -> str:
    return f'<promise topic="{topic}" tokens="{tokens}"/><async>{content}</async>'


def findings(text: str, rule: str, thresholds: Thresholds | None = None) -> list[Diagnostic]:
    settings = Settings(select=(rule,), thresholds=thresholds or Thresholds())
    return list(diagnose(text, settings=settings))


def words(number: int) -> str:
    return " ".join(["word"] * number)


def test_topics_are_compared_within_a_group_without_case() -> None:
    text = f"{block('a')}{block('b', topic='FOX')}<sync/>{block('c')}{block('d', topic='owl')}<sync/>"
    (finding,) = findings(text, "duplicate-topic")
    assert finding.span.of(text) == '<promise topic="FOX" tokens="10"/>'
    assert finding.labels[0].span.start == 0


def test_every_repetition_of_a_topic_points_at_the_first() -> None:
    found = findings(block("a") * 4, "duplicate-topic")
    assert [finding.labels[0].span.start for finding in found] == [0, 0, 0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (f"{block('a')}<sync/>", 1),
        (block("a"), 1),
        (f"{block('a')}{words(9)}<sync/>", 1),
        (f"{block('a')}{words(10)}<sync/>", 0),
        (f'<promise topic="fox" tokens="10"/>{words(10)}<async>a</async><sync/>', 0),
        (f"{words(10)}{block('a')}<sync/>{words(10)}", 1),
        (f"{block('a')}{block('b')}<sync/>", 0),
        (f"{block('a')}<sync/>{block('b')}{block('c')}<sync/>", 1),
    ],
)
def test_a_promise_is_lonely_where_nothing_is_decoded_beside_it(text: str, number: int) -> None:
    assert len(findings(text, "lonely-promise")) == number


def test_lonely_groups_in_a_row_are_one_finding_of_another_rule() -> None:
    text = f"{block('a')}<sync/>" * 3 + block("d")
    (finding,) = findings(text, "sync-behind-each-promise")
    assert finding.span.start == text.index("<sync/>")
    assert finding.message.startswith("each of 4 promises in a row is joined before the next is made")
    assert [label.message for label in finding.labels] == ["the first of them", *["the next one is joined here"] * 2]
    assert findings(text, "lonely-promise") == []


def test_a_row_of_lonely_groups_ends_where_work_is_shared() -> None:
    text = f"{block('a')}<sync/>{block('b')}{block('c')}<sync/>{block('d')}<sync/>"
    assert findings(text, "sync-behind-each-promise") == []
    assert len(findings(text, "lonely-promise")) == 2


def test_tag_overhead_is_a_share_of_all_decoded_tokens() -> None:
    text = "".join(block(words(5), topic=f"t{number}") for number in range(4))
    tag_tokens = 4 * (TAG_TOKENS["p"] + TAG_TOKENS["a"] + TAG_TOKENS["/"])
    overhead = tag_tokens / (tag_tokens + 26)
    (finding,) = findings(text, "tag-overhead")
    assert finding.message == (
        f"about {overhead:.0%} of the decoded tokens are tags (words x 1.3 for the text, 13 for a promise tag, 3 for "
        "any other); more than 40% hardly pays"
    )
    assert findings(text, "tag-overhead", Thresholds(max_tag_overhead=0.8)) == []
    assert findings(text, "tag-overhead", Thresholds(min_tag_tokens=tag_tokens + 1)) == []
    assert findings(text + words(500), "tag-overhead") == []


@pytest.mark.parametrize(
    ("tokens", "num_words", "is_reported"),
    [
        (10, 10, False),
        (10, 40, False),  # 52 tokens: a difference of less than 50
        (10, 60, True),
        (100, 200, False),
        (100, 300, True),
        (200, 60, False),
        (200, 40, True),
        (50, 0, True),
        (40, 0, False),
    ],
)
def test_a_stated_length_is_inaccurate_by_a_factor_only(tokens: int, num_words: int, is_reported: bool) -> None:
    text = block(words(num_words), tokens=tokens) + block("b", topic="owl")
    found = findings(text, "inaccurate-length-estimate")
    assert bool(found) == is_reported
    assert all("(words x 1.3)" in finding.message for finding in found)
    if found:
        repaired = fix(text, settings=Settings(select=("PA304",)), unsafe=True)
        assert f'tokens="{round_to_tens(tokens_of_words(num_words))}"' in repaired.text
        assert repaired.remaining == ()


def test_a_length_is_accurate_where_characters_agree_with_it() -> None:
    assert findings(block("x" * 800, tokens=200) + block("b"), "inaccurate-length-estimate") == []
    assert findings(block("\u4f60" * 200, tokens=200) + block("b"), "inaccurate-length-estimate") == []


def test_runaway_promises_are_reported_once_at_the_first_too_many() -> None:
    text = block("a") * 5
    (finding,) = findings(text, "runaway-promises", Thresholds(max_promises=3))
    assert finding.span.start == len(block("a")) * 3
    assert finding.message == "the document makes 5 promises; more than 3 look like a loop"
    assert findings(text, "runaway-promises", Thresholds(max_promises=5)) == []


@pytest.mark.parametrize(
    "reference",
    [
        "As mentioned above, x",
        "as noted earlier",
        "the previous point",
        "previously discussed",
        "as above",
    ],
)
def test_a_reference_to_a_sibling_is_found_in_all_branches_but_the_first(reference: str) -> None:
    text = f"{reference} {block(reference)}{block(f'And, {reference}', topic='owl')}<sync/> {reference}"
    (finding,) = findings(text, "sibling-reference")
    assert finding.span.start > text.index("And, ")
    assert finding.span.of(text) in reference
    assert "such as 'fox', which the branch 'owl' cannot see" in finding.message


@pytest.mark.parametrize("phrase", ["above all", "a previous life", "earlier that day", "the sky above"])
def test_other_uses_of_such_words_are_fine(phrase: str) -> None:
    assert findings(block("a") + block(phrase, topic="owl"), "sibling-reference") == []


@pytest.mark.parametrize(("content", "number"), [("", 1), (" \n", 1), ("x", 0), ("&lt;sync/>", 0)])
def test_a_branch_without_a_word_is_empty(content: str, number: int) -> None:
    assert len(findings(block("a") + block(content, topic="owl"), "empty-branch")) == number


def test_branches_are_repeated_within_a_group_only_and_if_they_are_not_trivial() -> None:
    content = "A fox lives in a den here."
    text = f"{block(content)}{block(content, topic='owl')}<sync/>{block(content)}{block('Yes.')}{block('Yes.')}"
    (finding,) = findings(text, "repeated-branch")
    assert finding.span.of(text) == f"<async>{content}</async>"
    assert finding.labels[0].span.of(text) == f"<async>{content}</async>"
    assert finding.labels[0].span.start < finding.span.start


def test_an_end_without_a_sync_is_a_note_at_the_end() -> None:
    text = f"{block('a')}{block('b', topic='owl')}"
    (finding,) = diagnose(text)
    assert (finding.rule, finding.severity) == ("implicit-join", "note")
    assert finding.span.start == finding.span.end == len(text)


def test_words_are_estimated_as_the_token_counter_estimates_them() -> None:
    assert TOKENS_PER_WORD == TOKENS_PER_WORD_OF_COUNTER
    counter = load_counter("words")
    for number in range(300):
        assert tokens_of_words(count_words(words(number))) == counter.count(words(number))


def test_tags_cost_what_the_embedded_tokenizer_says() -> None:
    counter = load_counter("smollm2")
    tags = {"p": '<promise topic="red fox" tokens="50"/>', "a": "<async>", "/": "</async>", "s": "<sync/>"}
    assert {letter: counter.count(tag) for letter, tag in tags.items()} == TAG_TOKENS


@pytest.mark.parametrize(("text", "number"), [("", 0), (" a  b\n", 2), ("\u4f60\u597d, ok", 4), ("x" * 70_000, 2)])
def test_characters_of_scripts_without_spaces_count_as_words(text: str, number: int) -> None:
    assert count_words(text) == number
