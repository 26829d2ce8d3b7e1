"""The layer sees one member a process and group, however its connections come and go."""

import asyncio
import gc
import weakref
from typing import Any

import pytest

from chanx.core.hub import Mailbox, hub_of
from tests.unit.core.hub.doubles import Noting, Told, noting_mailbox, turns

NOTE = {"type": "note", "n": 1}


class Member:
    """A connection on a layer's hub, without a consumer."""

    def __init__(self, layer: Any) -> None:
        self.hub: Any = hub_of(layer)
        self.mailbox: Mailbox
        self.noting: Noting
        self.mailbox, self.noting = noting_mailbox()
        self.name = ""

    async def join(self, group: str) -> None:
        await self.hub.group_add(group, self.mailbox)

    async def leave(self, group: str) -> None:
        await self.hub.group_discard(group, self.mailbox)

    async def end(self, *groups: str) -> None:
        for group in groups:
            await self.hub.leave(group, self.mailbox)
        await self.hub.close(self.name)


async def opened(layer: Any) -> Member:
    member = Member(layer)
    member.name = await member.hub.open(member.mailbox)
    member.hub.release(member.mailbox)
    return member


@pytest.fixture
def told(layer: Any) -> Told:
    return Told(layer)


async def test_many_join_at_once_and_leave_at_once(layer: Any, told: Told) -> None:
    members = [await opened(layer) for _ in range(50)]
    told.gate.clear()
    joining = [asyncio.create_task(member.join("room")) for member in members]
    await turns()
    told.gate.set()
    await asyncio.gather(*joining)
    await layer.group_send("room", NOTE)
    await turns()
    assert [member.noting.got for member in members] == [[1]] * 50

    told.gate.clear()
    leaving = [asyncio.create_task(member.leave("room")) for member in members]
    await turns()
    told.gate.set()
    await asyncio.gather(*leaving)

    assert told.calls == [("group_add", "room"), ("group_discard", "room")]
    for member in members:
        await member.end()
    assert layer.groups == layer.channels == {}


async def test_one_who_joins_while_the_last_one_leaves_is_in_the_group(layer: Any, told: Told) -> None:
    first, second = await opened(layer), await opened(layer)
    await first.join("room")
    told.gate.clear()
    leaving = asyncio.create_task(first.leave("room"))
    await turns()
    joining = asyncio.create_task(second.join("room"))
    await turns()
    told.gate.set()
    await asyncio.gather(leaving, joining)

    await layer.group_send("room", NOTE)
    await turns()
    assert (first.noting.got, second.noting.got) == ([], [1])
    await first.end()
    await second.end("room")
    assert layer.groups == layer.channels == {}


async def test_a_group_that_was_joined_while_it_was_left_is_left_again_after_a_failure(layer: Any, told: Told) -> None:
    """Given such a member, When leaving fails, Then its end still leaves the group: nobody else will."""
    first, second = await opened(layer), await opened(layer)
    await first.join("room")
    told.gate.clear()
    leaving = asyncio.create_task(first.leave("room"))
    await turns()
    joining = asyncio.create_task(second.join("room"))
    await turns()
    told.gate.set()
    await asyncio.gather(leaving, joining)

    told.failing = {"group_discard"}
    with pytest.raises(ConnectionError):
        await second.leave("room")
    told.failing = set()
    told.calls.clear()
    await first.end()
    await second.end("room")

    assert told.calls == [("group_discard", "room")]


async def test_the_last_one_ends_while_the_groups_are_joined_again(layer: Any, told: Told) -> None:
    """Given a join of the hub's own under way, When the last member leaves for good, Then that is undone too."""
    first, second = await opened(layer), await opened(layer)
    await first.join("room")
    told.gate.clear()
    again = asyncio.create_task(first.hub._join_again())
    await turns()

    ending = asyncio.create_task(first.end("room"))
    await turns()
    told.gate.set()
    await asyncio.gather(again, ending)
    await turns()

    assert layer.groups == {}
    assert first.hub._groups == {}
    await second.end()
    assert layer.channels == {}


async def test_the_last_one_of_all_ends_while_the_groups_are_joined_again(layer: Any, told: Told) -> None:
    only = await opened(layer)
    await only.join("room")
    told.gate.clear()
    only.hub._refresh()
    await turns()

    ending = asyncio.create_task(only.end("room"))
    await turns()
    told.gate.set()
    await ending
    await turns()

    assert layer.groups == layer.channels == {}


async def test_a_join_that_is_undone_late_harms_no_connection_that_came_after(layer: Any, told: Told) -> None:
    """Given the only connection's join under way at its end, When another joins the group, Then it stays joined."""
    early = await opened(layer)
    told.gate.clear()
    joining = asyncio.create_task(early.join("room"))
    await turns()
    await early.end("room")
    late = await opened(layer)
    joining_too = asyncio.create_task(late.join("room"))
    await turns()
    told.gate.set()
    await asyncio.gather(joining, joining_too)
    await early.hub.leave("room", early.mailbox)  # as the connection's layer does for a join that it had under way

    await layer.group_send("room", NOTE)
    await turns()
    assert (early.noting.got, late.noting.got) == ([], [1])
    await late.end("room")
    assert layer.groups == layer.channels == {}


async def test_a_hub_lasts_as_long_as_its_connections(layer: Any) -> None:
    first, second = await opened(layer), await opened(layer)
    assert first.hub is second.hub
    await first.end()
    third = await opened(layer)
    assert third.hub is second.hub
    await second.end()
    await third.end()
    fourth = await opened(layer)
    assert fourth.hub is not third.hub
    await fourth.end()


async def test_a_group_that_cannot_be_joined_again_keeps_no_other_from_it(layer: Any) -> None:
    member = await opened(layer)
    for group in ("first", "second"):
        await member.join(group)
    again: list[str] = []

    async def failing(group: str, channel: str) -> None:
        again.append(group)
        raise ConnectionError("the server of this group is away")

    layer.group_add = failing
    await member.hub._join_again()
    assert again == ["first", "second"]
    await member.end("first", "second")


@pytest.mark.parametrize("by", ["another", "the interval"])
async def test_a_group_is_joined_anew_after_its_layer_was_flushed(layer: Any, by: str) -> None:
    first, second = await opened(layer), await opened(layer)
    await first.join("room")
    await layer.flush()
    if by == "another":
        await second.join("room")
    else:
        await first.hub._join_again()
    await layer.group_send("room", NOTE)
    await turns()
    assert first.noting.got == [1]
    for member in (first, second):
        await member.end("room")
    assert layer.groups == layer.channels == {}


@pytest.mark.parametrize("place", ["its channel", "a group"])
async def test_a_hub_keeps_nothing_of_a_connection_that_has_ended(layer: Any, place: str) -> None:
    """Given others that stay, Then the last message and whom it was for are forgotten, though no other comes."""
    stays, goes = await opened(layer), await opened(layer)
    await goes.join("room")
    await (layer.group_send("room", NOTE) if place == "a group" else layer.send(goes.name, NOTE))
    await turns()
    assert goes.noting.got == [1]
    await goes.end("room")

    ended = weakref.ref(goes.noting)
    del goes
    gc.collect()
    assert ended() is None
    await stays.end()
