"""The register of rules: stable codes, examples that show just what they say, and pages that are up to date."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from pasta_toolkit.diagnostics import RULES, Rule, Safety, Severity, UnknownRuleError, diagnose, fix, rule_by, rules
from pasta_toolkit.diagnostics.pages import FAMILIES, pages, write_pages
from pasta_toolkit.diagnostics.registry import LINT_RULES, STRUCTURE_RULES, TAG_RULES, TEXT_RULES

DOCS = Path(__file__).parents[2] / "docs" / "rules"

# A code, once published, keeps its meaning for ever. New rules are added here; nothing is ever changed or removed.
PUBLISHED = {
    "PA101": "malformed-tag",
    "PA102": "noncanonical-tag",
    "PA103": "unknown-attribute",
    "PA104": "missing-attribute",
    "PA105": "repeated-attribute",
    "PA106": "invalid-tokens",
    "PA107": "empty-topic",
    "PA108": "overlong-topic",
    "PA109": "invalid-topic-character",
    "PA110": "stray-closing-tag",
    "PA111": "self-closing-async",
    "PA112": "miscased-tag",
    "PA201": "orphan-async-block",
    "PA202": "unfulfilled-promise",
    "PA203": "late-async-block",
    "PA204": "nested-promise",
    "PA205": "nested-async",
    "PA206": "nested-sync",
    "PA207": "unclosed-async",
    "PA208": "stray-async-end",
    "PA209": "sync-without-promise",
    "PA210": "async-in-main",
    "PA211": "tag-in-branch",
    "PA212": "text-after-branch-end",
    "PA213": "missing-branch-end",
    "PA301": "duplicate-topic",
    "PA302": "lonely-promise",
    "PA303": "tag-overhead",
    "PA304": "inaccurate-length-estimate",
    "PA305": "runaway-promises",
    "PA306": "sibling-reference",
    "PA307": "sync-behind-each-promise",
    "PA308": "empty-branch",
    "PA309": "repeated-branch",
    "PA401": "implicit-join",
    "PA402": "carriage-return",
    "PA403": "control-character",
    "PA404": "byte-order-mark",
    "PA405": "lone-surrogate",
}


def name_of(rule: Rule) -> str:
    return rule.name


def test_codes_and_names_are_as_published() -> None:
    assert {rule.code: rule.name for rule in RULES} == PUBLISHED
    assert [rule.code for rule in RULES] == sorted(PUBLISHED)


def test_every_rule_has_a_file_of_its_name_and_every_kind_is_registered() -> None:
    files = {module.name for module in pkgutil.iter_modules(rules.__path__)}
    assert files == {rule.name.replace("-", "_") for rule in RULES}
    for rule in RULES:
        module = importlib.import_module(f"pasta_toolkit.diagnostics.rules.{rule.name.replace('-', '_')}")
        assert module.RULE is rule
    assert {*TAG_RULES, *STRUCTURE_RULES.values(), *LINT_RULES, *TEXT_RULES} == {*RULES}


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_the_example_shows_just_its_fault(rule: Rule) -> None:
    found = {finding.rule for finding in diagnose(rule.example, form=rule.form) if finding.severity != Severity.NOTE}
    assert found == ({rule.name} if rule.severity != Severity.NOTE else set())
    assert rule.name in {finding.rule for finding in diagnose(rule.example, form=rule.form)}


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_the_good_example_has_no_fault_at_all(rule: Rule) -> None:
    assert diagnose(rule.good_example, form=rule.form) == ()


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_findings_carry_what_their_rule_says(rule: Rule) -> None:
    for finding in diagnose(rule.example, form=rule.form):
        if finding.rule == rule.name:
            assert (finding.code, finding.severity) == (rule.code, rule.severity)
            assert (finding.fix is None) == (not rule.fix_safety)
            assert finding.fix is None or finding.fix.safety in rule.fix_safety


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.fix_safety], ids=name_of)
def test_the_fix_of_the_example_mends_it(rule: Rule) -> None:
    result = fix(rule.example, form=rule.form, unsafe=Safety.SAFE not in rule.fix_safety)
    assert rule.name not in {finding.rule for finding in result.remaining}
    assert result.num_fixed > 0


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_texts_are_sentences(rule: Rule) -> None:
    for text in (rule.summary, rule.why, rule.fix):
        assert re.fullmatch(r"[A-Z`].*[.)]", text), text
    assert rule.code[:3] in FAMILIES


@pytest.mark.parametrize(("wanted", "name"), [("PA201", "orphan-async-block"), ("pa405", "lone-surrogate")])
def test_rules_are_found_by_code_in_any_case(wanted: str, name: str) -> None:
    assert rule_by(wanted).name == name
    assert rule_by(name.upper()).code == wanted.upper()


def test_an_unknown_rule_is_an_error_with_a_proposal() -> None:
    with pytest.raises(UnknownRuleError, match=r"no rule 'orphan-asynk' \(did you mean 'orphan-async-block'\?\)"):
        rule_by("orphan-asynk")
    with pytest.raises(UnknownRuleError, match=r"no rule 'qqq'; `pasta rule` lists all rules"):
        rule_by("qqq")


def test_the_pages_are_up_to_date() -> None:
    """If this fails, run `python -m pasta_toolkit.diagnostics.pages docs/rules`."""
    written = {path.name: path.read_text(encoding="utf-8") for path in DOCS.iterdir()}
    assert written == pages()


def test_writing_pages_removes_those_of_rules_that_are_no_more(tmp_path: Path) -> None:
    (tmp_path / "old-rule.md").write_text("x", encoding="utf-8")
    write_pages(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*pages()}
