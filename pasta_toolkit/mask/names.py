"""The names of the grammar that limits and tags rest on: the one place where the mask's own code knows any of them.

The mask itself follows the grammar file whatever its rules are called. What a limit means ("a promise", "nothing
outstanding") is no matter of syntax, so it has to be said which rule or terminal is meant.
"""

__all__ = ["BRANCH", "CAPPED", "MAIN", "NUMBER", "PROMISE", "QUOTE", "SYNCED_RULE"]

MAIN, BRANCH = "main", "branch"  # the start rules of the decoding streams
CAPPED = "capped"  # ours: the twin of `main` that may not promise any more
PROMISE = "PROMISE"  # the terminal of a whole promise tag
NUMBER = "TOKENS"  # the terminal of the number that a promise names
SYNCED_RULE = "idle"  # the rule for a main stream without outstanding promises
QUOTE = b'"'  # stands on both sides of a topic, and nowhere before it in the tag
