"""Stand-ins for the two sides of a hub: a layer that is told what to do, and a connection that only notes."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

from chanx.core.hub import Mailbox, SharedMessage


class Told:
    """Takes over the group operations of a layer: notes them, has them wait while ``gate`` is closed, lets them fail.

    They wait before they take effect, and those that ``failing`` names fail after.
    """

    def __init__(self, layer: Any) -> None:
        self.calls: list[tuple[str, str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failing: set[str] = set()
        for name in ("group_add", "group_discard"):
            setattr(layer, name, partial(self._do, name, getattr(layer, name)))

    async def _do(self, name: str, operation: Any, group: str, channel: str) -> None:
        self.calls.append((name, group))
        await self.gate.wait()
        await operation(group, channel)
        if name in self.failing:
            raise ConnectionError("the layer is away")


class Noting:
    """Takes messages as a consumer does, and notes their numbers."""

    def __init__(self) -> None:
        self.is_closed = False
        self.got: list[int] = []

    def send_direct(self, message: SharedMessage) -> Coroutine[Any, Any, None] | None:
        return None

    async def finish_send(self, sending: Coroutine[Any, Any, None], awaited: Any) -> None:
        raise AssertionError("nothing is sent directly")

    async def dispatch(self, message: dict[str, Any]) -> None:
        self.got.append(message["n"])

    def refuse_message(self, message: SharedMessage) -> None:
        raise AssertionError("there is room")

    def end_with(self, error: BaseException) -> None:
        raise error


def noting_mailbox() -> tuple[Mailbox, Noting]:
    noting = Noting()
    return Mailbox(noting), noting


async def turns(count: int = 20) -> None:
    """So many turns of the event loop, for everything that waits for nothing but them."""
    for _ in range(count):
        await asyncio.sleep(0)
