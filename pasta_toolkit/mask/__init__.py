"""The constrained-decoding mask: an invalid tag becomes impossible. Knows tokens as bytes, never what they mean."""

from pasta_toolkit.mask.automaton import DEAD, PLAIN_STREAMS, Automaton, compile_automaton
from pasta_toolkit.mask.errors import AutomatonError, CacheError, ConstraintError, VocabularyError
from pasta_toolkit.mask.streams import Stream

__all__ = [
    "DEAD",
    "PLAIN_STREAMS",
    "Automaton",
    "AutomatonError",
    "CacheError",
    "ConstraintError",
    "Stream",
    "VocabularyError",
    "compile_automaton",
]
