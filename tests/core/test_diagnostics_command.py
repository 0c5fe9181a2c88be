"""`pasta rule`: lists and explains rules, for people and for programs."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from pasta_toolkit.cli.rule import command
from pasta_toolkit.diagnostics import ALL_RULES, InputRule, Rule
from pasta_toolkit.diagnostics.pages import rule_page


def output(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_without_an_argument_every_rule_has_a_line() -> None:
    lines = output().splitlines()
    assert [line.split()[:2] for line in lines] == [[rule.code, rule.name] for rule in ALL_RULES]
    assert all(rule.summary in line for rule, line in zip(ALL_RULES, lines, strict=True))


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)
def test_a_rule_is_explained_by_code_and_by_name(rule: Rule | InputRule) -> None:
    assert output(rule.code) == output(rule.name) == rule_page(rule)


def test_json_lists_what_a_rule_says_and_can_be_encoded() -> None:
    document = json.loads(output("--format", "json"))
    assert document["schema"] == "pasta.rule/1"
    assert [rule["code"] for rule in document["rules"]] == [rule.code for rule in ALL_RULES]
    (one,) = json.loads(output("PA106", "--format", "json"))["rules"]
    assert one["fix_safety"] == ["safe", "unsafe"]
    json.dumps(document, ensure_ascii=False).encode()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    script = "import sys; from pasta_toolkit.cli import main; sys.argv[0] = 'pasta'; main()"
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False, encoding="utf-8"
    )


def test_an_unknown_rule_is_one_sentence_and_exit_code_2() -> None:
    result = run("rule", "lonely-promis")
    assert (result.returncode, result.stdout) == (2, "")
    assert (
        result.stderr
        == "pasta: no rule 'lonely-promis' (did you mean 'lonely-promise'?); `pasta rule` lists all rules\n"
    )


def test_help_has_an_example() -> None:
    assert "pasta rule PA202" in output("--help")


def test_the_diagnostics_start_without_heavy_libraries() -> None:
    heavy = ("rich", "tokenizers", "markdown_it", "numpy", "click")
    script = f"import sys, pasta_toolkit.diagnostics; print([name for name in {heavy!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
