"""Messages of one caller that wait for the end of its ``with publisher.batch():``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from chanx.layers.caller import Caller, present_caller
from chanx.layers.failures import Kind
from chanx.utils.process import PerProcess

MAX_MESSAGES: Final = 1000
MAX_BYTES: Final = 1024 * 1024
"""A batch that has grown to either goes out, and the block goes on with an empty one."""


class Parcel(NamedTuple):  # which costs a third of a frozen dataclass; there is one for each message
    """A message as a publisher hands it over."""

    kind: Kind
    name: str
    message: Mapping[str, Any]
    content: Any
    """What the backend made of it."""
    size: int
    """In bytes."""


@dataclass(slots=True)
class Batch:
    """The parcels of one caller, in order."""

    caller: Caller
    pid: int = field(default_factory=os.getpid)
    parcels: list[Parcel] = field(default_factory=list[Parcel])
    size: int = 0

    def add(self, parcel: Parcel) -> list[Parcel]:
        """Keep ``parcel``; returns what has to go out now, if that is enough."""
        self.parcels.append(parcel)
        self.size += parcel.size
        full = self.size >= MAX_BYTES or len(self.parcels) >= MAX_MESSAGES
        return self.take() if full else []

    def take(self) -> list[Parcel]:
        """All that is kept, which is then kept no more."""
        taken, self.parcels, self.size = self.parcels, [], 0
        return taken


class Batches:
    """The open batches of a publisher: at most one for each caller."""

    def __init__(self) -> None:
        self._open = PerProcess(dict[Caller, Batch])

    def current(self) -> Batch | None:
        """The caller's batch. Costs next to nothing while nobody has one."""
        batches = self._open.get()
        return batches.get(present_caller()) if batches else None

    def begin(self) -> Batch | None:
        """A new batch for the caller; None inside another one of it, which then takes all."""
        batches, caller = self._open.get(), present_caller()
        if caller in batches:
            return None
        batches[caller] = Batch(caller)
        return batches[caller]

    def end(self, batch: Batch) -> list[Parcel]:
        """The rest of the batch. In a child that was forked in its middle, nothing: the parent sends it."""
        self._open.get().pop(batch.caller, None)
        return batch.take() if batch.pid == os.getpid() else []
