"""The topic of a promise whose spelling is to be judged."""

from grammar import LooseAttribute
from pasta_toolkit.diagnostics.spelling import TagReading

__all__ = ["topic_of"]


def topic_of(reading: TagReading) -> LooseAttribute | None:
    """Return the first topic of a readable promise; None for any other tag."""
    tag = reading.tag
    if tag.name != "promise" or tag.is_end or not tag.is_readable or tag.is_miscased:
        return None
    return next(iter(reading.values("topic")), None)
