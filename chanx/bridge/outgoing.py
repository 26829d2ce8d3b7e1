"""What each process of a worker is about to publish, where its parent finds it after that process was killed.

register ─> announce ─> add_pending ─> broker ─> withdraw        killed on the way ─> left_behind: the janitor drops it
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from mmap import mmap
from typing import Final

_PLACE: Final = struct.Struct("=I92p")
"""The process, then the publish id (16 characters) and the job id (64 at most): empty where nothing is on its way."""

PLACES: Final = 1024
"""Processes that can take part at once."""

_NONE_FREE: Final = -1


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """The message that a dead process was about to publish."""

    place: int
    job_id: str
    publish_id: str


class Outgoing:
    """A place for each process, in memory that outlives it: shared by whoever called :meth:`share` and its children.

    It does nothing before that. A place has the newest message of its process, as long as it may not have gone out.
    """

    def __init__(self, *, pid: Callable[[], int] = os.getpid) -> None:
        self._pid = pid
        self._memory: mmap | None = None
        self._own = (0, _NONE_FREE)

    def share(self) -> None:
        """To be called before the processes are forked."""
        if self._memory is None:
            self._memory = mmap(-1, PLACES * _PLACE.size)

    def announce(self, job_id: str, publish_id: str) -> None:
        """The job is about to wait for a message that is published next."""
        self._write(f"{publish_id} {job_id}")

    def withdraw(self, publish_id: str) -> None:
        """That message went out; or it never will, and the job knows."""
        pid, place = self._own
        if pid == self._pid() and self._read(place)[1].startswith(f"{publish_id} "):
            self._write("")

    def left_behind(self) -> list[LeftBehind]:
        """The messages of processes that are dead; each until :meth:`clear`."""
        found: list[LeftBehind] = []
        for place in range(PLACES if self._memory is not None else 0):
            owner, text = self._read(place)
            if owner and not is_alive(owner):
                publish_id, _, job_id = text.partition(" ")
                if job_id:
                    found.append(LeftBehind(place, job_id, publish_id))
                else:
                    self.clear(place)
        return found

    def clear(self, place: int) -> None:
        """Another process may have the place."""
        if self._memory is not None:
            _PLACE.pack_into(self._memory, place * _PLACE.size, 0, b"")

    def _read(self, place: int) -> tuple[int, str]:
        if self._memory is None or place == _NONE_FREE:
            return 0, ""
        owner, text = _PLACE.unpack_from(self._memory, place * _PLACE.size)
        return owner, text.decode()

    def _write(self, text: str) -> None:
        if self._memory is None:
            return
        pid, place = self._own
        if pid != self._pid():
            pid = self._pid()
            place = self._free_place(pid)
            self._own = (pid, place)
        if place != _NONE_FREE:
            _PLACE.pack_into(self._memory, place * _PLACE.size, pid, text.encode())

    def _free_place(self, pid: int) -> int:
        """Processes of one time have pids that are near each other, so that each begins to look elsewhere."""
        places = ((pid + step) % PLACES for step in range(PLACES))
        return next((place for place in places if self._read(place)[0] in {0, pid}), _NONE_FREE)


def is_alive(pid: int) -> bool:
    """Whether the process has not ended, or not been waited for by its parent."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


OUTGOING: Final = Outgoing()
