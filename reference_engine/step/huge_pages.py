"""Asks Linux to keep memory that is read at every step in huge pages. Allocates nothing, and changes no number.

A processor fetches ahead within a page of memory, and a page of 4 KiB ends after five rows of a small layer.
Source: madvise(2), MADV_HUGEPAGE and (since Linux 6.1) MADV_COLLAPSE.
"""

import ctypes
import sys
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["PAGE_BYTES", "Memory", "into_huge_pages"]

PAGE_BYTES = 2 << 20
MADV_HUGEPAGE, MADV_COLLAPSE = 14, 25


class Memory(NamedTuple):
    """So many bytes from an address on."""

    address: int
    num_bytes: int


def into_huge_pages(pieces: Iterable[Memory]) -> int:
    """Ask for every huge page that one of the pieces touches; return how many were granted at once.

    It is advice: where the system knows no huge pages, or no such advice, nothing happens.
    """
    if sys.platform != "linux":
        return 0
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    pages = {
        page
        for piece in pieces
        for page in range(piece.address // PAGE_BYTES, -(-(piece.address + piece.num_bytes) // PAGE_BYTES))
    }
    for page in pages:
        madvise(page * PAGE_BYTES, PAGE_BYTES, MADV_HUGEPAGE)
    return sum(madvise(page * PAGE_BYTES, PAGE_BYTES, MADV_COLLAPSE) == 0 for page in pages)
