"""`pasta rule`: explains the rules of the validator."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from pasta_toolkit.cli.shared import examples, write_json

if TYPE_CHECKING:
    from pasta_toolkit.diagnostics import InputRule, Rule

__all__ = ["command"]

PAGE_WIDTH = 100  # columns; longer lines are hard to read


@click.command(
    "rule",
    epilog=examples("pasta rule", "pasta rule PA202", "pasta rule unfulfilled-promise", "pasta rule --format json"),
)
@click.argument("code_or_name", metavar="[CODE|NAME]", required=False)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text for people, Markdown where it is piped; or JSON.",
)
def command(code_or_name: str | None, format_name: str) -> None:
    """Explain a rule of the validator; without an argument, list all rules."""
    from pasta_toolkit.diagnostics import ALL_RULES, rule_by  # noqa: PLC0415

    rules = ALL_RULES if code_or_name is None else (rule_by(code_or_name),)
    if format_name == "json":
        write_json("rule", {"rules": [_fields(rule) for rule in rules]})
    elif code_or_name is None:
        _print_table(rules)
    else:
        _print_page(rules[0])


def _fields(rule: "Rule | InputRule") -> dict[str, Any]:
    """Return what a rule says about itself; half of a surrogate pair in an example is written as an escape."""
    from pasta_toolkit.diagnostics import InputRule  # noqa: PLC0415

    if isinstance(rule, InputRule):
        return asdict(rule)
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity,
        "summary": rule.summary,
        "why": rule.why,
        "form": rule.form,
        "example": rule.example.encode("utf-8", "backslashreplace").decode(),
        "good_example": rule.good_example,
        "fix": rule.fix,
        "fix_safety": list(rule.fix_safety),
        "thresholds": [name.replace("_", "-") for name in rule.thresholds],
    }


def _print_table(rules: "Sequence[Rule | InputRule]") -> None:
    from pasta_toolkit.diagnostics.pages import fix_safety_shown  # noqa: PLC0415

    rows = [(rule.code, rule.name, str(rule.severity), fix_safety_shown(rule), rule.summary) for rule in rules]
    if sys.stdout.isatty():
        _print_rich_table(rows)
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print_rich_table(rows: Sequence[tuple[str, ...]]) -> None:
    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table("code", "rule", "severity", "fix", "what it finds", box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)


def _print_page(rule: "Rule | InputRule") -> None:
    from pasta_toolkit.diagnostics.pages import rule_page  # noqa: PLC0415

    page = rule_page(rule)
    if not sys.stdout.isatty():
        click.echo(page, nl=False)
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.markdown import Markdown  # noqa: PLC0415

    console = Console()
    console.print(Markdown(page), width=min(console.width, PAGE_WIDTH))
