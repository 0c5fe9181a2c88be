"""Rules about the input itself (bytes, JSON, fields): codes, severities, what to do. Reads no input."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pasta_toolkit.diagnostics.diagnostic import Severity

if TYPE_CHECKING:
    from pasta_toolkit.records import FaultKind

__all__ = ["INPUT_RULES", "InputRule"]


@dataclass(frozen=True, slots=True)
class InputRule:
    """A fault of the input that is found before there is a document to check; it cannot be ignored."""

    code: str
    name: "FaultKind"
    severity: Severity
    summary: str
    fix: str


INPUT_RULES = (
    InputRule(
        "IN101",
        "unreadable-file",
        Severity.ERROR,
        "A file cannot be opened or read.",
        "Check that it exists and may be read.",
    ),
    InputRule(
        "IN102",
        "broken-gzip",
        Severity.ERROR,
        "The data of a .gz file breaks off or is damaged; the lines before the damage are checked.",
        "Copy or compress the file again.",
    ),
    InputRule(
        "IN103",
        "broken-parquet",
        Severity.ERROR,
        "A .parquet file is no Parquet, or it is damaged.",
        "Write the file again.",
    ),
    InputRule(
        "IN201",
        "invalid-utf8",
        Severity.ERROR,
        "Bytes are not UTF-8. A text is checked with U+FFFD in their place, but never rewritten.",
        "Convert the file to UTF-8.",
    ),
    InputRule(
        "IN202",
        "json-byte-order-mark",
        Severity.WARNING,
        "A file of JSON Lines begins with a byte order mark, which JSON forbids; its records are read all the same.",
        "Save the file as UTF-8 without a byte order mark.",
    ),
    InputRule(
        "IN301",
        "invalid-json",
        Severity.ERROR,
        "A line of JSON Lines is not valid JSON.",
        "Mend the line; where text was meant, name the file .txt or give --stdin-format text.",
    ),
    InputRule(
        "IN302",
        "not-an-object",
        Severity.ERROR,
        "A line of JSON Lines holds a list, a string or a number.",
        'Write one object a line, such as {"response": "..."}.',
    ),
    InputRule(
        "IN303",
        "missing-field",
        Severity.ERROR,
        "A record has no field of the name that holds the text.",
        "Choose the field with --field.",
    ),
    InputRule(
        "IN304",
        "not-a-string",
        Severity.ERROR,
        "The field that should hold the text holds something else, such as null.",
        "Choose another field with --field, or mend the record.",
    ),
)
