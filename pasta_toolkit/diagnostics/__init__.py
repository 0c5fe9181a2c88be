"""Diagnostics: rules, the runner that finds all faults of a document, fixes, settings and renderers."""

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Edit, Fix, Label, Safety, Severity
from pasta_toolkit.diagnostics.fixes import FixResult, apply_fixes, fix
from pasta_toolkit.diagnostics.input_rules import INPUT_RULES, InputRule
from pasta_toolkit.diagnostics.registry import ALL_RULES, RULES, UnknownRuleError, rule_by
from pasta_toolkit.diagnostics.rule import Rule
from pasta_toolkit.diagnostics.runner import diagnose
from pasta_toolkit.diagnostics.settings import Settings, SettingsError
from pasta_toolkit.diagnostics.settings_file import load_settings
from pasta_toolkit.diagnostics.thresholds import Thresholds

__all__ = [
    "ALL_RULES",
    "INPUT_RULES",
    "RULES",
    "Diagnostic",
    "Edit",
    "Fix",
    "FixResult",
    "InputRule",
    "Label",
    "Rule",
    "Safety",
    "Settings",
    "SettingsError",
    "Severity",
    "Thresholds",
    "UnknownRuleError",
    "apply_fixes",
    "diagnose",
    "fix",
    "load_settings",
    "rule_by",
]
