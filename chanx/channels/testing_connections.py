"""Keeping Channels from closing database connections that are a test's, while its application runs.

Channels' own communicator does it with a patch that two of them, waiting at once, can leave behind; this is counted.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from channels import db as channels_db

db: Any = channels_db


class OpenConnections:
    """``with kept():`` from any number of tasks and threads; when the last has left, they are closed again as usual."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._closing: Any = None

    @contextmanager
    def kept(self) -> Generator[None]:
        """Let no old connection be closed inside the block."""
        with self._lock:
            self._holders += 1
            if self._holders == 1:
                self._closing, db.close_old_connections = db.close_old_connections, _close_none
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if self._holders == 0:
                    db.close_old_connections = self._closing


def _close_none(**_kwargs: Any) -> None:
    pass


open_connections: Final = OpenConnections()
