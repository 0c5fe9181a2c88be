"""What the README shows is true: its example answer is valid, its Python runs, its links lead somewhere."""

import re
from pathlib import Path

from grammar import parse, render
from pasta_toolkit.cli.program import COMMANDS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def test_first_example_is_valid_and_renders_as_prose() -> None:
    document = parse(blocks("")[0])
    assert len(document.promises) == len(document.blocks) == 3
    assert render(document).startswith("Three ways to cool a room. Close the blinds")


def test_python_example_runs() -> None:
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})


def test_every_command_is_listed() -> None:
    assert [name for name in COMMANDS if f"`pasta {name} " not in README] == []


def test_every_link_to_a_file_leads_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
