"""The mask inside inference engines: one file an engine, each imported only by who uses that engine."""

from pasta_toolkit.mask.adapters.tracker import StreamTracker

__all__ = ["StreamTracker"]
