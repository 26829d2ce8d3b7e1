"""Watching the calls of class methods for the time of a ``with`` block, from any number of places at once.

A tap stands in the class in place of the method, exactly as long as anybody watches it there. So captures may overlap
and end in any order, also in several threads, and what was there before is back when the last one has ended.
"""

import inspect
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

_ABSENT: Final = object()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Watcher:
    """Who watches: ``record`` is given the arguments of each call, and ``suppress`` keeps the method from running."""

    record: Callable[..., None]
    suppress: bool


@contextmanager
def watched(owner: type, names: Iterable[str], watcher: Watcher) -> Generator[None]:
    """Let ``watcher`` see every call of these class methods on ``owner`` and on its subclasses, from all threads.

    A subclass that overrides a method without calling the one above it is not seen.
    """
    with ExitStack() as stack:
        for name in names:
            stack.callback(_unwatch, owner, name, watcher)
            _watch(owner, name, watcher)
        yield


class _Tap:
    """A class method that tells its watchers about a call before the method it replaces runs, if that is to run."""

    def __init__(self, owner: type, name: str) -> None:
        self.owner = owner
        self.name = name
        self.watchers: tuple[Watcher, ...] = ()
        self.replaced: Any = vars(owner).get(name, _ABSENT)
        is_async = inspect.iscoroutinefunction(getattr(owner, name))
        self._call: Callable[..., Any] = self._call_async if is_async else self._call_sync

    def __get__(self, instance: object, cls: type) -> Callable[..., Any]:
        return partial(self._call, cls)

    async def _call_async(self, cls: type, *args: Any, **kwargs: Any) -> None:
        if self._passes(cls, *args, **kwargs):
            await self._original(cls)(*args, **kwargs)

    def _call_sync(self, cls: type, *args: Any, **kwargs: Any) -> None:
        if self._passes(cls, *args, **kwargs):
            self._original(cls)(*args, **kwargs)

    def _passes(self, cls: type, *args: Any, **kwargs: Any) -> bool:
        watchers = self.watchers
        passes = not any(watcher.suppress for watcher in watchers)
        if not passes:
            # The call ends here, so those who watch a class above it would not hear of it.
            watchers += tuple(watcher for tap in self._taps_above(cls) for watcher in tap.watchers)
        for watcher in watchers:
            watcher.record(*args, **kwargs)
        return passes

    def _taps_above(self, cls: type) -> Iterator["_Tap"]:
        order = cls.__mro__
        for base in order[order.index(self.owner) + 1 :]:
            tap = vars(base).get(self.name)
            if isinstance(tap, _Tap):
                yield tap

    def _original(self, cls: type) -> Callable[..., Any]:
        if self.replaced is _ABSENT:
            return getattr(super(self.owner, cls), self.name)  # type: ignore[no-any-return] # any attribute
        return self.replaced.__get__(None, cls)  # type: ignore[no-any-return] # any descriptor


def _watch(owner: type, name: str, watcher: Watcher) -> None:
    with _lock:
        tap = vars(owner).get(name)
        if not isinstance(tap, _Tap):
            tap = _Tap(owner, name)
            setattr(owner, name, tap)
        tap.watchers += (watcher,)


def _unwatch(owner: type, name: str, watcher: Watcher) -> None:
    with _lock:
        tap = vars(owner).get(name)
        if not isinstance(tap, _Tap):
            return
        tap.watchers = tuple(other for other in tap.watchers if other is not watcher)
        if tap.watchers:
            return
        if tap.replaced is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, tap.replaced)
