"""The constrained-decoding mask: an invalid tag becomes impossible. Knows tokens as bytes, never what they mean."""

from pasta_toolkit.mask.automaton import DEAD, PLAIN_STREAMS, Automaton, compile_automaton
from pasta_toolkit.mask.cache import default_cache_folder
from pasta_toolkit.mask.constraint import Constraint
from pasta_toolkit.mask.errors import AutomatonError, CacheError, ConstraintError, VocabularyError
from pasta_toolkit.mask.export import EXPORTS, export_grammar
from pasta_toolkit.mask.limited import LimitedConstraint
from pasta_toolkit.mask.limits import Limits, compile_limited_mask
from pasta_toolkit.mask.loading import load_vocabulary
from pasta_toolkit.mask.streams import Stream
from pasta_toolkit.mask.tags import CompletedTag
from pasta_toolkit.mask.token_mask import TokenMask, compile_mask
from pasta_toolkit.mask.token_set import TokenSet
from pasta_toolkit.mask.vocabulary import Vocabulary

__all__ = [
    "DEAD",
    "EXPORTS",
    "PLAIN_STREAMS",
    "Automaton",
    "AutomatonError",
    "CacheError",
    "CompletedTag",
    "Constraint",
    "ConstraintError",
    "LimitedConstraint",
    "Limits",
    "Stream",
    "TokenMask",
    "TokenSet",
    "Vocabulary",
    "VocabularyError",
    "compile_automaton",
    "compile_limited_mask",
    "compile_mask",
    "default_cache_folder",
    "export_grammar",
    "load_vocabulary",
]
