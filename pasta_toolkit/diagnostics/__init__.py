"""Diagnostics: rules, the runner that finds all faults of a document, fixes, settings and renderers."""

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Edit, Fix, Label, Safety, Severity
from pasta_toolkit.diagnostics.fixes import FixResult, apply_fixes, fix
from pasta_toolkit.diagnostics.registry import RULES, UnknownRuleError, rule_by
from pasta_toolkit.diagnostics.rule import Rule
from pasta_toolkit.diagnostics.runner import diagnose
from pasta_toolkit.diagnostics.settings import Settings, SettingsError
from pasta_toolkit.diagnostics.settings_file import load_settings
from pasta_toolkit.diagnostics.thresholds import Thresholds

__all__ = [
    "RULES",
    "Diagnostic",
    "Edit",
    "Fix",
    "FixResult",
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
