"""Brings what can be computed in `examples/` up to date: run `python -m tests.support.regenerate_examples`.

Writes the estimates in `responses/*.txt` (true lengths rounded to tens), the two data sets made of them, and the
expected diagnostics of `broken/`. Read the differences before you keep them: an expectation is right because a person
says so.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from click.testing import CliRunner

from grammar import Form, parse, print_promise, render
from pasta_toolkit.cli.validate import command
from pasta_toolkit.tokens import TokenCounter, load_counter
from tests.support.lang_paths import REPOSITORY
from tests.support.strategies import FORMS

__all__ = [
    "ANSWERS",
    "BROKEN",
    "RESPONSES",
    "RESPONSES_JSONL",
    "all_findings",
    "broken_files",
    "expected_path",
    "findings_of",
    "form_of",
    "records_of",
    "rounded_estimate",
    "with_estimates",
]

EXAMPLES = REPOSITORY / "examples"
RESPONSES = EXAMPLES / "responses"
BROKEN = EXAMPLES / "broken"
ANSWERS = EXAMPLES / "answers.jsonl"
RESPONSES_JSONL = EXAMPLES / "responses.jsonl"
SMALLEST_ESTIMATE, LARGEST_ESTIMATE = 10, 9990


def rounded_estimate(num_tokens: int) -> int:
    """Round to the nearest ten that an estimate can be, a five upwards."""
    return min(max((num_tokens + 5) // 10 * 10, SMALLEST_ESTIMATE), LARGEST_ESTIMATE)


def with_estimates(text: str, counter: TokenCounter) -> str:
    """Return a response in which each promise estimates the true length of its content."""
    document = parse(text)
    pieces, place = [], 0
    for promise, block in zip(document.promises, document.blocks, strict=True):
        estimate = rounded_estimate(counter.count(block.content))
        tag = re.sub(r'tokens="\d+"', f'tokens="{estimate}"', print_promise(promise))
        pieces += [text[place : promise.span.start], tag]
        place = promise.span.end
    return "".join([*pieces, text[place:]])


def broken_files() -> list[Path]:
    """Return the broken examples, without the files that say what is expected of them."""
    return sorted(path for path in BROKEN.iterdir() if path.suffix != ".expected")


def expected_path(path: Path) -> Path:
    """Return where the diagnostics expected of a broken example are written."""
    return path.with_name(f"{path.name}.expected")


def form_of(path: Path) -> Form:
    """Return the form of a broken example: `NAME.main.txt`, `NAME.branch.txt`, or else a response."""
    forms: dict[str, Form] = {".main": "main", ".branch": "branch"}
    return forms.get(path.suffixes[0], "response")


def findings_of(paths: list[Path], form: Form) -> dict[Path, str]:
    """Run `pasta validate` on files of one form and list the findings of each, one a line."""
    arguments = ["--format", "json", "--isolated", "--form", form, *map(str, paths)]
    result = CliRunner().invoke(command, arguments, standalone_mode=False, catch_exceptions=False)
    found = dict.fromkeys(paths, "")
    for finding in json.loads(result.stdout)["diagnostics"]:
        found[Path(finding["path"])] += _line(finding)
    return found


def all_findings() -> dict[Path, str]:
    """Return the findings in every broken example."""
    paths = broken_files()
    found: dict[Path, str] = {}
    for form in FORMS:
        found |= findings_of([path for path in paths if form_of(path) == form], form)
    return found


def _line(finding: dict[str, object]) -> str:
    record = f"record {finding['record']}, " if finding["record"] is not None else ""
    place = f"{record}{finding['line']}:{finding['column']}-{finding['end_line']}:{finding['end_column']}"
    return f"{place} {finding['severity']} {finding['code']} {finding['rule']}: {finding['message']}\n"


def records_of(field: str) -> Iterator[str]:
    """Give each response the instruction that it answers, as annotated text or as plain answer."""
    for line in ANSWERS.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        response = (RESPONSES / f"{record['id']}.txt").read_text(encoding="utf-8")
        text = response if field == "response" else render(parse(response))
        yield json.dumps({"id": record["id"], "instruction": record["instruction"], field: text}, ensure_ascii=False)


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _main() -> None:
    counter = load_counter()
    for path in sorted(RESPONSES.iterdir()):
        text = path.read_text(encoding="utf-8")
        path.write_text(with_estimates(text, counter), encoding="utf-8", newline="\n")
    _write(RESPONSES_JSONL, list(records_of("response")))
    _write(ANSWERS, list(records_of("output")))
    for path, findings in all_findings().items():
        expected_path(path).write_text(findings, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    _main()
