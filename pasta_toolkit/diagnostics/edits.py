"""Edits that repairs of order consist of: tags go, tags come."""

from grammar import Span
from pasta_toolkit.diagnostics.diagnostic import Edit, Fix, Label, Safety
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.structure import Fault

__all__ = ["insertion", "labels", "removal", "removals", "unsafe_fix"]


def removal(outline: Outline, tag: int) -> Edit:
    """Take a tag out; what it enclosed stays."""
    return Edit(outline.tag_span(tag), "")


def removals(outline: Outline, fault: Fault) -> tuple[Edit, ...]:
    """Take out the tag of a fault and the one that goes with it; what they enclosed stays."""
    if fault.pair is None or fault.pair == fault.at:
        return (removal(outline, fault.at),)
    return removal(outline, fault.at), removal(outline, fault.pair)


def insertion(outline: Outline, boundary: int, tags: str) -> Edit:
    """Put tags in at a boundary."""
    offset = outline.insertion_offset(boundary)
    return Edit(Span(offset, offset), tags)


def unsafe_fix(message: str, *edits: Edit) -> Fix:
    """Bundle edits that guess what was meant."""
    return Fix(message, edits, Safety.UNSAFE)


def labels(outline: Outline, tags: tuple[int, ...], message: str) -> tuple[Label, ...]:
    """Point at other tags, all with one message."""
    return tuple(Label(outline.tag_span(tag), message) for tag in tags)
