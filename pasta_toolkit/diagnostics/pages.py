"""Writes the page of each rule and their index, as Markdown: `python -m pasta_toolkit.diagnostics.pages docs/rules`."""

import sys
from dataclasses import fields
from pathlib import Path

from pasta_toolkit.diagnostics.input_rules import InputRule
from pasta_toolkit.diagnostics.registry import ALL_RULES
from pasta_toolkit.diagnostics.rule import Rule
from pasta_toolkit.diagnostics.thresholds import Thresholds
from pasta_toolkit.diagnostics.wording import visible

__all__ = ["FAMILIES", "fix_safety_shown", "index_page", "pages", "rule_page", "write_pages"]

FAMILIES = {
    "PA1": "Spelling of tags",
    "PA2": "Order of tags",
    "PA3": "What costs money",
    "PA4": "Characters and notes",
    "IN": "The input itself: found before there is a document, and never ignored",
}
DEFAULTS = {threshold.name: threshold.default for threshold in fields(Thresholds)}
INDEX = "index.md"


def rule_page(rule: Rule | InputRule) -> str:
    """Return the page of one rule."""
    if isinstance(rule, InputRule):
        head = [f"# {rule.name} ({rule.code})", "", rule.summary, "", f"- Severity: {rule.severity}"]
        return "\n".join([*head, *_section("Fix", rule.fix), ""])
    return "\n".join(
        [
            f"# {rule.name} ({rule.code})",
            "",
            f"{rule.summary}",
            "",
            f"- Severity: {rule.severity}",
            f"- Fix: {fix_safety_shown(rule)}",
            f"- Form of the examples: `{rule.form}`",
            *_section("Why", rule.why),
            *_section("Example", _code(rule.example)),
            *_section("Better", _code(rule.good_example)),
            *_section("Fix", rule.fix),
            *(_section("Settings", _thresholds(rule)) if rule.thresholds else ()),
            "",
        ]
    )


def index_page() -> str:
    """Return the table of all rules, by family."""
    lines = ["# Rules", "", "What `pasta validate` reports. `pasta rule CODE` shows the same pages in a terminal."]
    for family, title in FAMILIES.items():
        lines += [
            "",
            f"## {title} ({family})",
            "",
            "| code | rule | severity | fix | what it finds |",
            "|---|---|---|---|---|",
        ]
        lines += [_row(rule) for rule in ALL_RULES if rule.code.startswith(family)]
    return "\n".join([*lines, ""])


def pages() -> dict[str, str]:
    """Return all pages by their file names."""
    return {INDEX: index_page()} | {f"{rule.name}.md": rule_page(rule) for rule in ALL_RULES}


def write_pages(folder: Path) -> None:
    """Write all pages into a folder and remove pages of rules that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    written = pages()
    for name, page in written.items():
        (folder / name).write_text(page, encoding="utf-8")
    for path in sorted(folder.glob("*.md")):
        if path.name not in written:
            path.unlink()


def fix_safety_shown(rule: Rule | InputRule) -> str:
    """Return which fixes a rule offers, in a word or two."""
    safety = () if isinstance(rule, InputRule) else rule.fix_safety
    return " or ".join(safety) or "none"


def _row(rule: Rule | InputRule) -> str:
    summary = rule.summary.replace("|", "\\|")
    return f"| {rule.code} | [{rule.name}]({rule.name}.md) | {rule.severity} | {fix_safety_shown(rule)} | {summary} |"


def _section(title: str, body: str) -> list[str]:
    return ["", f"## {title}", "", body]


def _code(text: str) -> str:
    """Show a document line by line; what cannot be printed is written as an escape."""
    lines = "\n".join(visible(line) for line in text.split("\n"))
    return f"```text\n{lines}\n```"


def _thresholds(rule: Rule) -> str:
    lines = [
        f"- `{name.replace('_', '-')}` = {DEFAULTS[name]} in `[tool.pasta.thresholds]`" for name in rule.thresholds
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
