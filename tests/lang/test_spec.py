"""Every example of the specification is what the specification says it is."""

import doctest
import re
from itertools import pairwise

import pytest

from grammar import PastaSyntaxError, format_document, grammar_text, is_valid, parse, render
from pasta_toolkit.diagnostics import RULES, Severity
from tests.support.lang_fences import Fence, fences
from tests.support.lang_oracle import is_in_language
from tests.support.lang_paths import REPOSITORY

SPEC = REPOSITORY / "grammar" / "SPEC.md"
ALL = fences(SPEC)
DOCUMENTS = [fence for fence in ALL if fence.info[:1] == ("pasta",)]
RENDERED = [(one, other) for one, other in pairwise(ALL) if other.info == ("rendered",)]
ERRORS = [(one, other) for one, other in pairwise(ALL) if other.info == ("error",)]


def line_of(value: object) -> str:
    return f"line {value.line}" if isinstance(value, Fence) else ""


def test_every_fence_is_of_a_kind_that_is_tested():
    kinds = {fence.info[0] for fence in ALL}
    assert kinds == {"pasta", "rendered", "error", "lark", "pycon"}
    assert len(RENDERED) + len(ERRORS) == sum(fence.info[0] in ("rendered", "error") for fence in ALL)


@pytest.mark.parametrize("fence", DOCUMENTS, ids=line_of)
def test_an_example_is_valid_unless_it_says_invalid(fence):
    _, form, *remarks = fence.info
    assert remarks in ([], ["invalid"])
    assert is_valid(fence.text, form=form) == is_in_language(fence.text, form) == (not remarks)


@pytest.mark.parametrize(("fence", "rendered"), RENDERED, ids=line_of)
def test_an_example_renders_to_what_stands_below_it(fence, rendered):
    assert render(parse(fence.text, form=fence.info[1])) == rendered.text


@pytest.mark.parametrize(("fence", "error"), ERRORS, ids=line_of)
def test_an_invalid_example_raises_the_error_below_it(fence, error):
    with pytest.raises(PastaSyntaxError) as caught:
        parse(fence.text, form=fence.info[1])
    assert str(caught.value).split("\n")[0] == error.text


@pytest.mark.parametrize("fence", [fence for fence in ALL if fence.info == ("lark",)], ids=line_of)
def test_a_rule_is_quoted_as_it_stands_in_the_grammar_file(fence):
    assert f"\n{fence.text}\n" in grammar_text()


def test_the_errors_are_the_rules_of_the_validator():
    section = SPEC.read_text(encoding="utf-8").split("\n## 10. ")[1].split("\n## 11. ")[0]
    first_cells = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    named = [name for cell in first_cells for name in re.findall(r"`([a-z-]+)`", cell)]
    assert named == [rule.name for rule in RULES if rule.severity == Severity.ERROR]


def test_the_two_examples_of_layouts_are_the_layouts_of_each_other():
    inline, grouped = (fence.text for fence in DOCUMENTS if fence.text.startswith("Figs: "))
    assert format_document(parse(inline), layout="grouped") == grouped
    assert format_document(parse(grouped), layout="inline") == inline


@pytest.mark.parametrize("fence", [fence for fence in ALL if fence.info == ("pycon",)], ids=line_of)
def test_a_session_in_python_runs_as_printed(fence):
    session = doctest.DocTestParser().get_doctest(fence.text, {}, SPEC.name, str(SPEC), fence.line)
    runner = doctest.DocTestRunner()
    runner.run(session)
    assert runner.summarize(verbose=False).failed == 0
