"""The channel layer as one connection has it: it knows which groups that connection is in.

consumer.channel_layer ─┬─ group_add, group_discard of its own channel name ─> remembered, one after the other ─> hub
                        └─ everything else ─────────────────────────────────────────────────────────────────────> layer
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from chanx.core.channel_layer import ChannelLayer, group_list
from chanx.core.failures import log_failure
from chanx.core.hub import Hub, Mailbox
from chanx.log import log_event
from chanx.utils.asyncio import create_task


class ConnectionLayer:
    """A channel layer whose groups a connection leaves with ``leave_groups``, whoever joined them.

    Joins and leaves of the connection's own channel take effect in the order they are called. Those of another
    connection of the process are that connection's. Whatever else the layer can do, the groups of all other channels
    included, is handed on to it as it is.
    """

    __slots__ = ("_channel_name", "_groups", "_has_left", "_hub", "_layer", "_mailbox", "_turn")

    if TYPE_CHECKING:  # handed on by __getattr__

        async def new_channel(self) -> str: ...
        async def receive(self, channel: str, /) -> dict[str, Any]: ...
        async def send(self, channel: str, message: dict[str, Any], /) -> None: ...
        async def group_send(self, group: str, message: dict[str, Any], /) -> None: ...

    else:

        def __getattr__(self, name: str) -> Any:
            return getattr(self._layer, name)

    def __init__(self, layer: ChannelLayer, channel_name: str, hub: Hub, mailbox: Mailbox) -> None:
        self._layer = layer
        self._channel_name = channel_name
        self._hub = hub
        self._mailbox = mailbox
        self._groups: set[str] = set()
        self._turn = asyncio.Lock()
        self._has_left = False
        hub.memberships[channel_name] = self

    async def group_add(self, group: str, channel: str) -> None:
        """Join a group. Once ``leave_groups`` was called one's own channel joins none, which is logged."""
        if channel != self._channel_name:
            await self._hub.memberships.get(channel, self._layer).group_add(group, channel)
            return
        async with self._turn:
            if self._has_left:
                log_event("group_add_refused", group=group, reason="the connection has ended")
                return
            self._groups.add(group)  # first, because an attempt that fails may have joined
            try:
                await self._hub.group_add(group, self._mailbox)
            finally:
                if self._has_left:  # meanwhile
                    await self._hub.leave(group, self._mailbox)

    async def group_discard(self, group: str, channel: str) -> None:
        """Leave a group."""
        if channel != self._channel_name:
            await self._hub.memberships.get(channel, self._layer).group_discard(group, channel)
            return
        async with self._turn:
            await self._leave(group, self._hub.group_discard)
            self._groups.discard(group)

    async def leave_groups(self, others: Iterable[str] = ()) -> None:
        """Leave every group that was joined here, and the others named, for good.

        A group that cannot be left is logged and does not stop the rest. Waits for no join that is under way, which
        undoes itself.
        """
        self._has_left = True
        groups = deque(group_list([*others, *self._groups]))
        try:
            while groups:
                group = groups.popleft()
                try:
                    await self._leave(group, self._hub.leave)
                except Exception as error:
                    log_failure("group_discard_failed", error, group=group)
        except asyncio.CancelledError:
            if groups:  # the layer takes too long, and the hub would keep the connection in these for ever
                create_task(self.leave_groups(groups), name="chanx-leave-groups")
            raise

    async def _leave(self, group: str, leave: Callable[[str, Mailbox], Awaitable[None]]) -> None:
        if group in self._groups:
            await leave(group, self._mailbox)
        else:  # whoever has the layer itself may have put this channel into it
            await self._layer.group_discard(group, self._channel_name)
