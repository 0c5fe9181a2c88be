"""The colours of all pictures of a DAG. Kept apart so that every format tells the same story in the same colours.

Source: the palette of Okabe and Ito (2008), "Color Universal Design": its blue, sky blue and vermillion stay apart for
readers with any colour blindness, and in grey. The pale ones are mixes of them with white.
"""

__all__ = [
    "BRANCH",
    "CRITICAL",
    "CRITICAL_TAG",
    "FAINT_LINE",
    "GRID",
    "INK",
    "JOIN",
    "MAIN",
    "PALE_CRITICAL",
    "QUIET_LINE",
    "TAG",
    "WAITING",
]

CRITICAL = "#d55e00"
PALE_CRITICAL = "#f6cfb2"
MAIN = "#9cc3dc"
BRANCH = "#cfe6f5"
JOIN = "#e4e4e4"
QUIET_LINE = "#7a8791"
FAINT_LINE = "#c9d1d7"
INK = "#22303a"
GRID = "#e6eaed"
WAITING = "#b9c3ca"
TAG = "#5f93b5"
CRITICAL_TAG = "#e89a63"
