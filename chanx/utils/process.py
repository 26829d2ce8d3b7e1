"""Resources that a process makes when it first needs them, and that a forked child makes anew."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """One ``T`` per process, made by ``factory`` at the first ``get``. Thread-safe, also across a fork.

    A child never uses, closes or finalises what its parent made: a socket, an event loop or a lock that was shared by
    a fork belongs to the parent.
    """

    def __init__(self, factory: Callable[[], T]) -> None:
        self._factory = factory
        self._made: tuple[int, T] | None = None
        self._inherited: list[T] = []
        # By pid, because a lock that another thread held at the fork stays locked in the child for ever; reentrant,
        # because a signal handler may come here too.
        self._locks: dict[int, threading.RLock] = {}

    def get(self) -> T:
        """This process's resource. Raises what the factory raises, and tries again at the next call."""
        made = self._made
        if made is not None and made[0] == os.getpid():
            return made[1]
        return self._make()

    def reset(self) -> T | None:
        """Forget this process's resource and return it, for the caller to close; None if there is none."""
        with self._lock():
            made, self._made = self._made, None
            if made is None:
                return None
            if made[0] != os.getpid():
                self._inherited.append(made[1])
                return None
            return made[1]

    def _make(self) -> T:
        with self._lock():
            made = self._made
            if made is not None and made[0] == os.getpid():
                return made[1]
            if made is not None:
                # Kept alive: finalising an inherited event loop would take the parent's sockets out of the epoll
                # set that both share.
                self._inherited.append(made[1])
            value = self._factory()
            self._made = (os.getpid(), value)
            return value

    def _lock(self) -> threading.RLock:
        return self._locks.setdefault(os.getpid(), threading.RLock())
