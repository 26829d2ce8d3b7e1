"""The text frame of a job's event, made once for all clients that are sent it one after the other."""

from __future__ import annotations

from chanx.bridge.entry import LogEntry
from chanx.bridge.web.merge import LatestEntry
from chanx.core.rekeying import rekeyed_text
from chanx.messages.base import ACTION


class EventFrames:
    """Keeps the last frame: a live event goes to all that watch the job before the next one is looked at."""

    def __init__(self) -> None:
        self._last: tuple[LogEntry | LatestEntry | None, str, str, str] = (None, "", "", "")

    def text(self, entry: LogEntry | LatestEntry, start: str, discriminator: str) -> str:
        """The frame that begins with ``start``. ``entry`` has to be the same object to be the same event."""
        last, its_start, its_discriminator, text = self._last
        if last is entry and its_start == start and its_discriminator == discriminator:
            return text
        # The event's text is spliced, not parsed: a type that this process does not know passes through unchanged.
        place = f'"seq":{entry.seq}' if isinstance(entry, LogEntry) else f'"head":{entry.head},"rev":{entry.rev}'
        event = rekeyed_text(entry.event, ACTION, discriminator)
        text = f"{start}{place},{event[1:]}"
        self._last = (entry, start, discriminator, text)
        return text
