"""Messages that were about to go out, where no run is there to notice that they did not: nobody tells of that."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from chanx.utils.process import PerProcess

PATIENCE: Final = 60.0
"""Seconds after which a message that was not confirmed did not go out."""


class Unconfirmed:
    """By publish id, with what to do about it. Thread-safe."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._messages: dict[str, tuple[float, Callable[[], None], Callable[[], None]]] = {}

    def add(self, publish_id: str, give_up: Callable[[], None], *, confirmed: Callable[[], None] | None = None) -> None:
        self._messages[publish_id] = (self._clock(), give_up, confirmed or _nothing)

    def confirm(self, publish_id: str) -> None:
        """The message went out."""
        known = self._messages.pop(publish_id, None)
        if known is not None:
            known[2]()

    def give_up_old(self) -> None:
        """Gives up those of more than a minute ago; called now and then."""
        before = self._clock() - PATIENCE
        for publish_id, (since, *_) in list(self._messages.items()):
            if since < before:
                _, give_up, _ = self._messages.pop(publish_id, (since, _nothing, _nothing))
                give_up()


def _nothing() -> None:
    """There is nothing to do, or another thread was faster."""


UNCONFIRMED: Final = PerProcess(Unconfirmed)
