"""chanx's log lines: a constant event name, then key-values, on the standard library's logger ``chanx``."""

from __future__ import annotations

import logging
import time
from collections.abc import Hashable
from typing import Final

logger = logging.getLogger("chanx")

THROTTLE_SECONDS: Final = 30.0
_MAX_KEYS = 1000

_last_logged: dict[tuple[str, Hashable], float] = {}
_suppressed: dict[tuple[str, Hashable], int] = {}


def log_event(event: str, *, level: int = logging.WARNING, **values: object) -> None:
    """One line ``event key=value …``; a handler finds the values as ``record.event`` and ``record.values`` too."""
    if logger.isEnabledFor(level):
        pairs = " ".join(f"{name}={value!r}" for name, value in values.items())
        logger.log(level, "%s %s", event, pairs, extra={"event": event, "values": values})


def log_throttled(
    event: str, *, key: Hashable, period: float = THROTTLE_SECONDS, level: int = logging.WARNING, **values: object
) -> None:
    """``log_event``, at most once a ``period`` (seconds) for one ``event`` and ``key``.

    A line that follows suppressed ones says in ``suppressed`` how many they were.
    """
    # Without a lock: a fork would copy it locked. Two threads that race log one line too many, which harms nobody.
    place = (event, key)
    now = time.monotonic()
    last = _last_logged.get(place)
    if last is not None and now - last < period:
        _suppressed[place] = _suppressed.get(place, 0) + 1
        return
    if len(_last_logged) >= _MAX_KEYS:
        _last_logged.clear()
        _suppressed.clear()
    _last_logged[place] = now
    suppressed = _suppressed.pop(place, 0)
    if suppressed:
        values["suppressed"] = suppressed
    log_event(event, level=level, **values)
