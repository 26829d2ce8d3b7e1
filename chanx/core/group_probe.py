"""Finds out that a group of the channel layer delivers to this process: joining returns before Redis has subscribed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakSet

PROBE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, weakref_slot=True)
class _Proof:
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    members: WeakSet[object] = field(default_factory=WeakSet[object])


class GroupProbes:
    """The groups that members on this event loop have joined, each with the proof that it delivers.

    A message to the group that comes back is the proof; one does for all who join while any of them stays, so that 500
    who join at once do not send each other 500 messages. A proof that is lost costs a bounded wait.
    """

    def __init__(self) -> None:
        self._proofs: dict[Hashable, _Proof] = {}

    async def wait(self, group: Hashable, member: object, send: Callable[[], Awaitable[None]]) -> None:
        """Waits until the group delivers; ``send`` sends a message to it. ``member`` has joined it."""
        proof = self._proofs.get(group)
        if proof is not None and proof.members:
            proof.members.add(member)
        else:
            proof = self._proofs[group] = _Proof()
            proof.members.add(member)
            await send()
        with suppress(TimeoutError):
            async with asyncio.timeout(PROBE_SECONDS):
                await proof.arrived.wait()
        if not proof.arrived.is_set() and self._proofs.get(group) is proof:
            del self._proofs[group]

    def arrived(self, group: Hashable) -> None:
        """A message of the group has come to one of its members."""
        proof = self._proofs.get(group)
        if proof is not None:
            proof.arrived.set()

    def left(self, group: Hashable, member: object) -> None:
        """The member leaves the group, or will join it again."""
        proof = self._proofs.get(group)
        if proof is not None:
            proof.members.discard(member)
            if not proof.members:
                del self._proofs[group]
