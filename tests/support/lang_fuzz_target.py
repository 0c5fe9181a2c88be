"""What must hold for any bytes at all: the target of the fuzzer, and of the test that replays what it found."""

from grammar import Form, PastaSyntaxError, format_document, is_valid, parse, render
from pasta_toolkit.diagnostics import Diagnostic, Severity, diagnose, fix
from tests.support.lang_oracle import is_in_language
from tests.support.strategies import FORMS

__all__ = ["check_bytes"]


def check_bytes(data: bytes) -> None:
    """Check parser, validator, repair and printer on a text in all three forms."""
    text = data.decode("utf-8", errors="replace")
    for form in FORMS:
        verdict = is_valid(text, form=form)
        assert verdict == is_in_language(text, form), "the scanner and the oracle differ"
        _check_parser(text, form, verdict)
        _check_validator(text, form, verdict)
        _check_repair(text, form)


def _check_parser(text: str, form: Form, verdict: bool) -> None:
    if not verdict:
        error = _error_of(text, form)
        assert 0 <= error.offset <= len(text)
        assert str(error)
        return
    document = parse(text, form=form)
    assert format_document(document) == text
    for layout in ("inline", "grouped"):
        laid_out = parse(format_document(document, layout=layout), form=form)
        assert render(laid_out) == render(document)


def _error_of(text: str, form: Form) -> PastaSyntaxError:
    try:
        parse(text, form=form)
    except PastaSyntaxError as error:
        return error
    raise AssertionError("a text that is not in the language is parsed")


def _check_validator(text: str, form: Form, verdict: bool) -> None:
    found = diagnose(text, form=form)
    has_error = any(diagnostic.severity == Severity.ERROR for diagnostic in found)
    assert has_error == (not verdict), "errors are found exactly where a text is not in the language"
    for diagnostic in found:
        _check_places(diagnostic, len(text))


def _check_places(diagnostic: Diagnostic, length: int) -> None:
    for span in (diagnostic.span, *(label.span for label in diagnostic.labels)):
        assert 0 <= span.start <= span.end <= length
    if diagnostic.fix is not None:
        for edit in diagnostic.fix.edits:
            assert 0 <= edit.span.start <= edit.span.end <= length


def _check_repair(text: str, form: Form) -> None:
    for unsafe in (False, True):
        once = fix(text, form=form, unsafe=unsafe)
        twice = fix(once.text, form=form, unsafe=unsafe)
        assert twice.text == once.text, "repairing twice changes nothing"
        assert tuple(diagnose(once.text, form=form)) == tuple(once.remaining)
