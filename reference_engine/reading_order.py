"""Puts what the threads of one request write into the order in which a reader reads it, as soon as it is final.

Knows bytes and threads, neither tokens nor time. Law: the texts that it gives, joined, are `render` of the response.
"""

import codecs
from collections import deque
from typing import TYPE_CHECKING

from reference_engine.tag_reader import TEXT, Piece, TagReader

if TYPE_CHECKING:
    from grammar import Promise

__all__ = ["ReadingOrder"]

MAIN = 0


class _ThreadText:
    """What one thread writes. State: half a character, half a tag, and whether the thread has ended."""

    def __init__(self, *, is_annotated: bool) -> None:
        self.has_ended = False
        self._is_annotated = is_annotated
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._reader = TagReader()

    def read(self, content: bytes) -> list[Piece]:
        return self._pieces(self._decoder.decode(content))

    def end(self) -> list[Piece]:
        self.has_ended = True
        return [*self._pieces(self._decoder.decode(b"", final=True)), *self._reader.finish()]

    def _pieces(self, text: str) -> list[Piece]:
        if self._is_annotated:
            return self._reader.read(text)
        return [Piece(TEXT, text)] if text else []


class ReadingOrder:
    """One request. State: its threads' texts that are not given out yet; `promises` are the main thread's so far.

    In text that is not annotated nothing is a tag.
    """

    def __init__(self, *, is_annotated: bool = True) -> None:
        self.promises: list[Promise] = []
        self._is_annotated = is_annotated
        self._threads: dict[int, _ThreadText] = {}
        self._main: deque[str | int] = deque()  # a text, or the branch whose text stands there
        self._branches: dict[int, list[str]] = {}

    def read(self, thread: int, content: bytes) -> None:
        """Take what a thread has written."""
        self._keep(thread, self._thread(thread).read(content))

    def end(self, thread: int) -> None:
        """A thread writes nothing more."""
        self._keep(thread, self._thread(thread).end())

    def ready(self) -> str:
        """Return the text that is final, and has not been returned before."""
        texts: list[str] = []
        while self._main:
            first = self._main[0]
            if isinstance(first, str):
                texts.append(first)
            else:
                texts += self._branches.pop(first, [])
                if not self._thread(first).has_ended:
                    break
            self._main.popleft()
        return "".join(texts)

    def _thread(self, thread: int) -> _ThreadText:
        if thread not in self._threads:
            self._threads[thread] = _ThreadText(is_annotated=self._is_annotated)
        return self._threads[thread]

    def _keep(self, thread: int, pieces: list[Piece]) -> None:
        for piece in pieces:
            if thread != MAIN:
                if piece.kind == TEXT:
                    self._branches.setdefault(thread, []).append(piece.content)
            elif piece.kind == TEXT:
                self._main.append(piece.content)
            elif piece.promise is not None:
                self.promises.append(piece.promise)
                self._main.append(len(self.promises))
