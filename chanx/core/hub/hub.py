"""The connections of one process on one channel layer, and the groups that they are in."""

import asyncio
from contextvars import Context
from typing import Final, Protocol

from chanx.core.channel_layer import ChannelLayer
from chanx.core.hub.channels import Channels, ReceivedChannels
from chanx.core.hub.mailbox import Mailbox
from chanx.core.hub.pump import Pump
from chanx.core.hub.taps import tapped_channels
from chanx.log import log_throttled

REFRESH_SECONDS: Final = 60.0

CALLS_AT_ONCE: Final = 50
"""Groups that are joined or left at the same time: redis-py has at most 100 connections, and raises for one more."""


class _Group:
    """A group with members here. Joins and leaves of the group itself take their ``turn``.

    ``was_tried``: it may be joined; ``is_given_up``: nobody is left who would try again to leave it.
    """

    __slots__ = ("channel", "is_given_up", "is_joined", "members", "turn", "was_tried")

    def __init__(self) -> None:
        self.members: dict[Mailbox, None] = {}
        self.channel: str | None = None
        self.is_joined = False
        self.was_tried = False
        self.is_given_up = False
        self.turn = asyncio.Lock()


class Membership(Protocol):
    """The groups of one connection."""

    async def group_add(self, group: str, channel: str, /) -> None: ...
    async def group_discard(self, group: str, channel: str, /) -> None: ...


class Hub:
    """Joins a group when the first local connection does, and leaves it with the last.

    A message for a group is taken once, and handed to the members that it has here. All messages are handed on in the
    order they came from the layer, whether they were for a connection or for a group.

    ``memberships`` are those of the open connections, by the names of their channels.
    """

    def __init__(self, layer: ChannelLayer) -> None:
        self._layer = layer
        self._loop = asyncio.get_running_loop()
        self._pump = Pump(self._loop)
        known = tapped_channels(layer, self._pump.put)
        self._channels: Channels = ReceivedChannels(layer, self._pump.put) if known is None else known
        self._groups: dict[str, _Group] = {}
        self.memberships: dict[str, Membership] = {}
        self._open = 0
        self._calls = asyncio.Semaphore(CALLS_AT_ONCE)
        self._leaving: set[asyncio.Task[None]] = set()
        self._refreshing: asyncio.TimerHandle | asyncio.Task[None] | None = None
        expiry: float | None = getattr(layer, "group_expiry", None)
        self._refresh_seconds = None if expiry is None else min(REFRESH_SECONDS, expiry / 2)

    async def open(self, mailbox: Mailbox) -> str:
        """Open a channel of its own for a connection, which ``release`` lets take messages; the channel's name."""
        self._open += 1
        if self._refreshing is None:
            self._refresh_later()
        try:
            return await self._channels.open((mailbox,))
        except BaseException:
            self._closed_one()
            raise

    def release(self, mailbox: Mailbox) -> None:
        """The connection is open: messages reach it from now on, those first that came before."""
        self._pump.release(mailbox)

    async def close(self, name: str) -> None:
        """Close a connection's channel; it has left its groups."""
        self.memberships.pop(name, None)
        try:
            await self._channels.close(name)
        finally:
            self._closed_one()

    async def group_add(self, group: str, mailbox: Mailbox) -> None:
        """Make a connection a member; returns when the layer has added this process to the group."""
        entry = self._groups.get(group)
        if entry is None:
            entry = self._groups[group] = _Group()
        entry.members[mailbox] = None
        entry.is_given_up = False
        if self._is_joined(entry):
            return
        async with entry.turn:
            if entry.members and not self._is_joined(entry):
                await self._join(group, entry)

    def _is_joined(self, entry: _Group) -> bool:
        return entry.is_joined and entry.channel is not None and self._channels.is_open(entry.channel)

    async def _join(self, group: str, entry: _Group) -> None:
        if entry.channel is None or not self._channels.is_open(entry.channel):  # the layer was flushed
            entry.channel = await self._channels.open_for_group(group, entry.members)
        entry.was_tried = True  # first, because an attempt that fails may have joined
        async with self._calls:
            await self._layer.group_add(group, entry.channel)
        entry.is_joined = True

    async def group_discard(self, group: str, mailbox: Mailbox) -> None:
        """Make a connection a member no longer: no message of the group reaches it that it has not been handed yet.

        Those that wait in its mailbox, because it is busy, still do.

        Where leaving the group fails, the connection ``leaves`` it once more when it ends.
        """
        entry = self._groups.get(group)
        if entry is None:
            return
        entry.members.pop(mailbox, None)
        if not entry.members:
            await self._leave(group, entry)

    async def leave(self, group: str, mailbox: Mailbox) -> None:
        """The same for a connection that ends.

        Does not wait for a join or leave of the group that is under way: that of a connection which has ended undoes
        itself. The process leaves the group although this is cancelled: many connections may end at once.
        """
        entry = self._groups.get(group)
        if entry is None:
            return
        entry.members.pop(mailbox, None)
        entry.is_given_up = not entry.members
        if entry.is_given_up and not entry.turn.locked():
            leaving = self._loop.create_task(self._leave(group, entry), name=f"chanx-leave-{group}")
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
            await asyncio.shield(leaving)

    async def _leave(self, group: str, entry: _Group) -> None:
        async with entry.turn:
            if entry.members or self._groups.get(group) is not entry:
                return
            entry.is_joined = has_left = False
            try:
                if entry.was_tried and entry.channel is not None:
                    async with self._calls:
                        await self._layer.group_discard(group, entry.channel)
                has_left = True
            finally:
                if (has_left or entry.is_given_up) and not entry.members:
                    await self._forget(group, entry)

    async def _forget(self, group: str, entry: _Group) -> None:
        del self._groups[group]
        try:
            if entry.channel is not None:
                await self._channels.close_for_group(entry.channel)
        finally:
            self._end_if_unused()

    def _closed_one(self) -> None:
        self._open -= 1
        self._end_if_unused()

    def _end_if_unused(self) -> None:
        # Not while a group is joined or left: another hub would use the same channel for it.
        if self._open or self._groups:
            return
        if self._refreshing is not None:
            self._refreshing.cancel()
            self._refreshing = None
        key = (self._loop, id(self._layer))
        if _hubs.get(key) is self:
            del _hubs[key]

    def _refresh_later(self) -> None:
        if self._refresh_seconds is not None:
            # In the context of no connection, as it is for all.
            self._refreshing = self._loop.call_later(self._refresh_seconds, self._refresh, context=Context())

    def _refresh(self) -> None:
        self._refreshing = self._loop.create_task(self._join_again(), name="chanx-hub-refresh")

    async def _join_again(self) -> None:
        """Join every group once more: a layer drops who has joined long ago, and a restarted Redis drops everybody."""
        try:
            for group, entry in list(self._groups.items()):
                try:
                    await self._join_one_again(group, entry)
                except Exception as error:  # the next group may be on a server that can be reached
                    log_throttled("groups_not_refreshed", key=id(self._layer), error=repr(error))
        finally:
            if self._refreshing is asyncio.current_task():
                self._refresh_later()

    async def _join_one_again(self, group: str, entry: _Group) -> None:
        try:
            async with entry.turn:
                if entry.is_joined:
                    await self._join(group, entry)
        finally:
            if entry.is_given_up:  # its last member has ended meanwhile, and did not wait
                await self._leave(group, entry)


_hubs: dict[tuple[asyncio.AbstractEventLoop, int], Hub] = {}


def hub_of(layer: ChannelLayer) -> Hub:
    """The hub of a layer on the running loop, which there is while it has connections, or groups to leave."""
    key = (asyncio.get_running_loop(), id(layer))
    hub = _hubs.get(key)
    if hub is None:
        for other in list(_hubs):  # a copy: other threads have loops and hubs, too
            if other[0].is_closed():
                _hubs.pop(other, None)  # it was closed with its connections open
        hub = _hubs[key] = Hub(layer)
    return hub
