"""What can go wrong in the engine by a user's doing. One sentence each; the engine stays usable."""

from grammar import PastaError

__all__ = ["EngineError", "ModelError", "PoolError"]


class EngineError(PastaError):
    """Report a request or an option that the engine cannot serve."""


class ModelError(EngineError):
    """Report a model that cannot be found, read or run: unknown architecture, broken file, missing tensor."""


class PoolError(EngineError):
    """Report a KV pool that is too small, or has no room for what is asked."""
