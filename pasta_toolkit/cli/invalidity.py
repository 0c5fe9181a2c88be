"""Says in one sentence why a record cannot be measured. Used by the commands that need valid documents."""

from grammar import Form, Source, is_valid
from pasta_toolkit.diagnostics import Severity, diagnose
from pasta_toolkit.records import Record, RecordFault

__all__ = ["invalidity", "place_of"]


def place_of(item: Record | RecordFault) -> str:
    """Name a record as compilers name a line: `answers.jsonl:17`."""
    return item.path if item.number is None else f"{item.path}:{item.number}"


def invalidity(record: Record, form: Form) -> str | None:
    """Return the first error of a text and how many more there are, or None where the text is valid."""
    if is_valid(record.text, form=form):
        return None
    first, *others = [item for item in diagnose(record.text, form=form) if item.severity is Severity.ERROR]
    position = Source(record.text).position(first.span.start)
    more = f", and {len(others):,} more" if others else ""
    return (
        f"{place_of(record)} is not valid: {first.message} (line {position.line}, column {position.column}){more}; "
        "`pasta validate` shows all"
    )
