"""Turns the pieces that come out of a pipe into whole lines of text of a bounded length."""

from __future__ import annotations

from codecs import getincrementaldecoder

MAX_LINE_BYTES = 4_000
CUT = " … (cut)"


class LineSplitter:
    """Give it bytes as they come; it gives the lines they complete. Bytes that are no UTF-8 become U+FFFD.

    Of a longer line the first ``limit`` bytes are kept, marked as cut; the rest is dropped as it comes.
    """

    def __init__(self, limit: int = MAX_LINE_BYTES) -> None:
        self._limit = limit
        self._pending = bytearray()
        self._cut = False

    def feed(self, data: bytes) -> list[str]:
        """The lines that ``data`` completes, without their line ends."""
        *ends, rest = data.split(b"\n")
        lines: list[str] = []
        for end in ends:
            self._append(end)
            lines.append(self._take())
        self._append(rest)
        return lines

    def close(self) -> list[str]:
        """The last line, if it had no line end."""
        return [self._take()] if self._pending else []

    def _append(self, data: bytes) -> None:
        room = self._limit - len(self._pending)
        self._pending += data[:room]
        self._cut = self._cut or len(data) > room

    def _take(self) -> str:
        # A cut may go through a character, whose first bytes the decoder then keeps to itself.
        decoder = getincrementaldecoder("utf-8")(errors="replace")
        line = decoder.decode(bytes(self._pending), final=not self._cut)
        line = line + CUT if self._cut else line.removesuffix("\r")
        self._pending.clear()
        self._cut = False
        return line
