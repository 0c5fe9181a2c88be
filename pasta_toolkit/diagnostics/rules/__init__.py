"""The rules, one a file, each named by the fault it finds."""
