"""Diagnostics: rules, the runner, fixes and renderers."""
