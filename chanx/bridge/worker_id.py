"""Which worker this process belongs to, so that others can tell what became of its tasks should it die.

worker_init, in the parent: mint ─> its children are forked, and have the same id
"""

from __future__ import annotations

import os
import secrets
import socket
from typing import Final


class WorkerId:
    """The id of a worker; empty in all processes that are none."""

    def __init__(self) -> None:
        self.current = ""

    def mint(self) -> str:
        """To be called in the worker's parent, before it forks: ``<host>:<pid>:<random>``. It is never used again."""
        self.current = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        return self.current

    def forget(self) -> None:
        """The worker has stopped; its process may go on."""
        self.current = ""


WORKER: Final = WorkerId()
