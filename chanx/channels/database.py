"""Closing database connections that are past their age, without a thread hop for every message."""

import time
from typing import Final

from channels.db import aclose_old_connections

from chanx.core.failures import log_failure

PERIOD_SECONDS: Final = 1.0


class OldConnections:
    """Closes old connections, but at most once a second: for many messages a second it need not be asked each time.

    Channels does it before every message; the hop to the thread that owns the connections is most of such a message's
    cost. One instance serves a process, as the connections belong to that one thread.
    """

    def __init__(self) -> None:
        self._due = 0.0

    @property
    def due(self) -> bool:
        """Whether the last time is a second ago."""
        return time.monotonic() >= self._due

    async def close(self) -> None:
        """Close them now. What fails is logged: the message that is being handled must not be lost for it."""
        self._due = time.monotonic() + PERIOD_SECONDS
        try:
            await aclose_old_connections()
        except Exception as error:
            log_failure("old_connections_failed", error)


old_connections = OldConnections()
