"""Listening on the consumers' channel layers for those who should be heard there.

layer ── group_send to itself, until it comes back ──> ready ──> speak() in a thread ──> who was heard
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from chanx.bridge.worker_report import PROBE_GROUPS, PROBE_TYPE
from chanx.core.channel_layer import open_to_synchronous_code

_AGAIN: Final = 0.1
_MYSELF: Final = ""


@dataclass(slots=True)
class Heard:
    """Who was heard on any of the layers, and by alias, why a layer delivers nothing."""

    names: set[str] = field(default_factory=set[str])
    broken: dict[str, str] = field(default_factory=dict[str, str])


async def listen(layers: Mapping[str, Any], speak: Callable[[str], Collection[str]], *, seconds: float) -> Heard:
    """Has ``speak(group)`` called in a thread, once layers deliver; it returns who should be heard in that group.

    They have so many seconds after its return. A layer has as many to deliver a message to itself.
    """
    group = f"{PROBE_GROUPS}{secrets.token_hex(8)}"
    news = asyncio.Event()
    ears = [_Ear(alias, layer, group, news) for alias, layer in layers.items()]
    try:
        await asyncio.gather(*(ear.open(seconds) for ear in ears))
        expected = set(await asyncio.to_thread(speak, group))
        if any(not ear.error for ear in ears):
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while not expected <= _names(ears):
                        news.clear()
                        await news.wait()
    finally:
        await asyncio.gather(*(ear.close() for ear in ears))
    return Heard(_names(ears), {ear.alias: ear.error for ear in ears if ear.error})


class _Ear:
    """One layer, and who was heard on it."""

    def __init__(self, alias: str, layer: Any, group: str, news: asyncio.Event) -> None:
        self.alias = alias
        self.names: set[str] = set()
        self.error = ""
        self._layer = layer
        self._group = group
        self._news = news
        self._task: asyncio.Task[None] | None = None
        self._channel = ""

    async def open(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._open()
        except TimeoutError:
            self.error = self.error or f"no message to itself came back within {seconds:g} s"
        except Exception as error:  # whatever a layer raises, it is what is looked for
            self.error = f"{type(error).__name__}: {error}"

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._channel and not self.error:
            with suppress(Exception):  # the group is used by nobody else, and expires
                await self._layer.group_discard(self._group, self._channel)

    async def _open(self) -> None:
        open_to_synchronous_code(self._layer)
        self._channel = await self._layer.new_channel()
        await self._layer.group_add(self._group, self._channel)
        self._task = asyncio.create_task(self._receive())
        # Again and again, as joining a group returns before Redis has subscribed.
        while _MYSELF not in self.names:
            await self._layer.group_send(self._group, {"type": PROBE_TYPE, "who": _MYSELF})
            await asyncio.wait([self._task], timeout=_AGAIN)
            if self._task.done():
                raise self._task.exception() or RuntimeError("receive() ended")

    async def _receive(self) -> None:
        while True:
            message = await self._layer.receive(self._channel)
            self.names.add(str(message.get("who")))
            self._news.set()


def _names(ears: Collection[_Ear]) -> set[str]:
    return {name for ear in ears for name in ear.names if name != _MYSELF}
