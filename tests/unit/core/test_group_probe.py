"""The proof that a group delivers: one message for all who join at once."""

import asyncio

import pytest

from chanx.core import group_probe
from chanx.core.group_probe import GroupProbes


class Member:
    """Somebody in the group "g" who counts what was sent to find out."""

    sent = 0

    def __init__(self, probes: GroupProbes) -> None:
        self.probes = probes

    def wait(self) -> "asyncio.Task[None]":
        return asyncio.create_task(self.probes.wait("g", self, self.send))

    async def send(self) -> None:
        Member.sent += 1


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> GroupProbes:
    monkeypatch.setattr(Member, "sent", 0)
    return GroupProbes()


async def test_one_message_does_for_all_who_join_at_once_and_later(probes: GroupProbes) -> None:
    # Given
    members = [Member(probes) for _ in range(500)]
    waiting = [member.wait() for member in members]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)

    # When
    probes.arrived("g")

    # Then
    await asyncio.wait_for(asyncio.gather(*waiting), 30)
    late = Member(probes)
    await asyncio.wait_for(late.wait(), 30)
    assert Member.sent == 1


async def test_once_all_have_left_it_has_to_be_proved_again(probes: GroupProbes) -> None:
    # Given a member that has left
    member, other = Member(probes), Member(probes)
    waiting = member.wait()
    await asyncio.sleep(0)
    probes.arrived("g")
    await waiting
    probes.left("g", member)

    # When
    waiting = other.wait()
    await asyncio.sleep(0)

    # Then
    assert Member.sent == 2
    assert not waiting.done()
    probes.arrived("g")
    await asyncio.wait_for(waiting, 30)


async def test_another_group_proves_nothing(probes: GroupProbes) -> None:
    member = Member(probes)
    waiting = member.wait()
    await asyncio.sleep(0)

    probes.arrived("another")
    await asyncio.sleep(0)

    assert not waiting.done()
    waiting.cancel()


async def test_a_message_that_is_lost_costs_a_bounded_wait_and_is_sent_again(
    probes: GroupProbes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_probe, "PROBE_SECONDS", 0)
    member, other = Member(probes), Member(probes)

    await asyncio.wait_for(member.wait(), 30)
    await asyncio.wait_for(other.wait(), 30)

    assert Member.sent == 2
