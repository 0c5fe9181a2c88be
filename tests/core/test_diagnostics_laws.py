"""Laws of the validator: the Lark grammar is the judge of what is an error, and both paths find the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grammar import Form, PastaSyntaxError, check_with_lark, format_document
from pasta_toolkit.diagnostics import RULES, Diagnostic, Rule, Settings, Severity, Thresholds, diagnose
from pasta_toolkit.diagnostics.runner import diagnose_with_recovery
from tests.support.diagnostics_soup import CANONICAL, MISCASED, documents_of_any_kind
from tests.support.strategies import FORMS, MODERATE, documents

STRICT = Settings(
    thresholds=Thresholds(
        max_promises=2,
        max_tag_overhead=0.2,
        min_tag_tokens=0,
        max_length_ratio=1.0,
        min_length_error_tokens=1,
        min_overlap_words=3,
    )
)


def is_in_the_language(text: str, form: Form) -> bool:
    try:
        check_with_lark(text, form=form)
    except PastaSyntaxError:
        return False
    return True


def has_error(diagnostics: tuple[Diagnostic, ...]) -> bool:
    return any(finding.severity == Severity.ERROR for finding in diagnostics)


@MODERATE
@given(documents_of_any_kind(), st.sampled_from(FORMS))
def test_a_finding_is_an_error_exactly_where_the_grammar_refuses(text: str, form: Form) -> None:
    assert has_error(diagnose(text, form=form)) == (not is_in_the_language(text, form))


@MODERATE
@given(st.lists(st.sampled_from(CANONICAL), max_size=10).map("".join), st.sampled_from(FORMS))
def test_the_order_of_canonical_tags_is_judged_as_the_grammar_judges_it(text: str, form: Form) -> None:
    assert has_error(diagnose(text, form=form)) == (not is_in_the_language(text, form))


@MODERATE
@given(documents_of_any_kind(), st.sampled_from(FORMS), st.sampled_from([Settings(), STRICT]))
def test_the_fast_path_finds_what_the_slow_path_finds(text: str, form: Form, settings: Settings) -> None:
    assert diagnose(text, form=form, settings=settings) == diagnose_with_recovery(text, form=form, settings=settings)


@MODERATE
@given(st.data(), st.sampled_from(FORMS), st.sampled_from([Settings(), STRICT]))
def test_valid_documents_have_no_error_on_either_path(data: st.DataObject, form: Form, settings: Settings) -> None:
    text = format_document(data.draw(documents(form)))
    found = diagnose(text, form=form, settings=settings)
    assert not has_error(found)
    assert found == diagnose_with_recovery(text, form=form, settings=settings)


@MODERATE
@given(documents_of_any_kind(), st.sampled_from(FORMS))
def test_findings_are_sorted_lie_in_the_text_and_are_short(text: str, form: Form) -> None:
    found = diagnose(text, form=form, settings=STRICT)
    spans = [(finding.span.start, finding.span.end) for finding in found]
    assert spans == sorted(spans)
    labels = [label for finding in found for label in finding.labels]
    edits = [edit for finding in found if finding.fix for edit in finding.fix.edits]
    for span in (*(finding.span for finding in found), *(x.span for x in labels), *(x.span for x in edits)):
        assert 0 <= span.start <= span.end <= len(text)
    for message in (*(finding.message for finding in found), *(label.message for label in labels)):
        assert len(message) < 300
        assert message.isprintable()


@MODERATE
@given(documents_of_any_kind(), st.sampled_from(RULES))
def test_an_ignored_rule_is_silent_and_silences_no_other(text: str, rule: Rule) -> None:
    everything = diagnose(text)
    alone = tuple(finding for finding in everything if finding.code == rule.code)
    others = tuple(finding for finding in everything if finding.code != rule.code)
    assert diagnose(text, settings=Settings(ignore=(rule.code,))) == others
    assert diagnose(text, settings=Settings(select=(rule.name,))) == alone


@pytest.mark.parametrize("miscased", MISCASED)
def test_miscased_tags_without_a_promise_are_left_alone(miscased: str) -> None:
    assert diagnose(f"JSX has tags such as {miscased.replace('Promise', 'Async')}.") == ()
