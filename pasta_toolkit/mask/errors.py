"""What can go wrong with a mask through a user's choice. Every class is a `PastaError`."""

from grammar import PastaError

__all__ = ["AutomatonError", "CacheError", "ConstraintError", "VocabularyError"]


class AutomatonError(PastaError):
    """Report a grammar whose streams are not regular, or that uses an expression the mask cannot compile."""


class VocabularyError(PastaError):
    """Report a vocabulary that cannot be read, or with which some legal stream could not be written."""


class CacheError(PastaError):
    """Report a cache entry that is damaged, or a folder that cannot be used."""


class ConstraintError(PastaError):
    """Report a token that the mask forbids, or limits that no stream can meet."""
