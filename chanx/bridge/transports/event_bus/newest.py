"""A bounded memory: what was put last, by a name."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final, Generic, TypeVar

T = TypeVar("T")

REMEMBERED: Final = 10_000


class Newest(Generic[T]):
    """The newest 10,000 of what was put, by a name. Thread-safe."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, name: str) -> T | None:
        return self._values.get(name)

    def put(self, name: str, value: T) -> None:
        with self._lock:
            self._values[name] = value
            self._values.move_to_end(name)
            if len(self._values) > REMEMBERED:
                self._values.popitem(last=False)

    def forget(self, name: str) -> None:
        with self._lock:
            self._values.pop(name, None)
