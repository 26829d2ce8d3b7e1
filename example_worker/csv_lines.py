"""The physical lines of a text file, bounded in length, with a way back to the second line of a broken record."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TextIO

MAX_RECORD_CHARS = 256 * 1024
MAX_RECORD_LINES = 1_000


class RecordError(Exception):
    """The record being read is no record; the text is the reason, for people."""


class Lines(Iterator[str]):
    """Feeds a ``csv.reader`` and remembers the lines of the record it is reading, which bounds memory.

    ``number`` is the physical line number, from 1, of the line given last. A quote that is never closed would swallow
    the rest of the file: past the limits the record fails, and :meth:`rewind` gives all but its first line again.
    """

    def __init__(self, file: TextIO, *, clean: bool) -> None:
        self.number = 0
        self.fault: str | None = None
        self._file = file
        self._clean = clean
        self._record: list[str] = []
        self._chars = 0
        self._again: deque[str] = deque()

    @property
    def first(self) -> str:
        """The first line of the record being read, and the one to show for it."""
        return self._record[0] if self._record else ""

    @property
    def taken(self) -> int:
        """How many lines the record being read has taken so far."""
        return len(self._record)

    @property
    def first_number(self) -> int:
        return self.number - max(len(self._record) - 1, 0)

    def begin_record(self) -> None:
        self._record.clear()
        self._chars = 0
        self.fault = None

    def rewind(self) -> None:
        """Give the current record's lines again, except the first one."""
        again = self._record[1:]
        self._again.extendleft(reversed(again))
        self.number -= len(again)
        del self._record[1:]

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._file.readline(MAX_RECORD_CHARS)
        if not line:
            raise StopIteration
        self.number += 1
        self._record.append(line)
        self._chars += len(line)
        if self._chars >= MAX_RECORD_CHARS or len(self._record) > MAX_RECORD_LINES:
            if len(self._record) == 1:
                self._skip_rest(line)
                raise RecordError(f"the line is longer than {MAX_RECORD_CHARS:,} characters")
            raise RecordError("a quote is opened and never closed, or the row is far too long")
        if "\0" in line:
            self.fault = "it contains a NUL character"
        elif not self._clean and "\ufffd" in line:
            self.fault = "it contains bytes that are not valid in the file's encoding"
        return line

    def _skip_rest(self, line: str) -> None:
        while line and not line.endswith(("\n", "\r")):
            line = self._file.readline(MAX_RECORD_CHARS)
