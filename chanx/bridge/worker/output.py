"""Gathers the small pieces of a job's output (tokens of a language model, lines of a program) into few events."""

from __future__ import annotations

from chanx.bridge.encoding import without_surrogates
from chanx.bridge.events import JobOutput, OutputPayload

MAX_CHARACTERS = 32_768
"""Characters in one event, at most: even escaped, six bytes for each, they stay within an event's size."""

MAX_STREAM_NAME = 100


class OutputBuffer:
    """The pieces that were not sent yet, in order. Its owner keeps its calls apart."""

    def __init__(self) -> None:
        self._pieces: list[tuple[str, str]] = []  # stream, text
        self._size = 0

    @property
    def is_empty(self) -> bool:
        return not self._pieces

    @property
    def is_full(self) -> bool:
        """Whether there is enough for an event."""
        return self._size >= MAX_CHARACTERS

    def add(self, text: str, stream: str) -> None:
        self._pieces.append((stream, text))
        self._size += len(text)

    def take(self) -> list[JobOutput]:
        """All of it as events: neighbours of one stream joined, and cut where they are too long."""
        pieces, self._pieces, self._size = self._pieces, [], 0
        events: list[JobOutput] = []
        for stream, text in _joined(pieces):
            for start in range(0, len(text), MAX_CHARACTERS):
                part = text[start : start + MAX_CHARACTERS]
                events.append(JobOutput(payload=OutputPayload(text=part, stream=stream)))
        return events


def _joined(pieces: list[tuple[str, str]]) -> list[tuple[str, str]]:
    joined: list[tuple[str, list[str]]] = []
    for stream, text in pieces:
        if not joined or joined[-1][0] != stream:
            joined.append((stream, []))
        joined[-1][1].append(text)
    return [(without_surrogates(stream), without_surrogates("".join(texts))) for stream, texts in joined]
