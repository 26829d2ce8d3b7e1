"""Which worker this process belongs to, so that others can tell what became of its tasks should it die.

worker_init, in the parent: mint ─> its children are forked, and have the same id
"""

from __future__ import annotations

import os
import secrets
import socket
from typing import Final

_ON_BUS: Final = "bus/"


def on_bus(worker: str) -> str:
    """The id by which the site's store knows a worker that reaches it over the event bus."""
    return f"{_ON_BUS}{worker}"


def off_bus(worker: str) -> str:
    """The worker's own id again."""
    return worker.removeprefix(_ON_BUS)


def is_on_bus(worker: str) -> bool:
    """Whether an id is one of :func:`on_bus`. How late word of such a worker may come, only its relay can tell."""
    return worker.startswith(_ON_BUS)


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
