"""The client that docs/protocol has, in every situation that chanx's own model of the stream knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from unittest import mock

import pytest
from hypothesis.stateful import run_state_machine_as_test

from chanx.bridge.store.base import JobStore, Retention
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.store.redis import RedisJobStore
from tests.contract import stream_world
from tests.contract.test_stream_model import LARGE, SMALL, SMALL_BOUNDS, Stores, StreamMachine, runs
from tests.docs.protocol_clients import client


class PageClient(stream_world.Client):
    """A client of the model's world that is a ``JobView`` in truth."""

    def __init__(self, world: stream_world.World, name: str) -> None:
        super().__init__(world, name)
        self.view = client.JobView(world.job_id)
        self._awaited: str | None = None

    def subscribe(self) -> None:
        if self._awaited is None:
            frame = self.view.subscribe()
            self._awaited = frame["ref"]
            self._send(frame)

    async def disconnect(self) -> None:
        self._awaited = None
        await super().disconnect()

    def take(self, frame: stream_world.Message) -> None:
        if frame.get("ref") == self._awaited:
            self._awaited = None
        for answer in self.view.take(frame):
            self._send(answer)
        assert not self.view.needs_subscribe or frame["action"] == "error", "a gap"
        self.epoch, self.start = self.view.epoch, self.view.start
        self.seen = [event["payload"] for event in self.view.events]
        self.latest = {name: value for name, value in self.view.fields.items() if name in stream_world.LATEST}

    def _send(self, frame: stream_world.Message) -> None:
        assert self.connection is not None
        self.connection._frames.put_nowait(frame)  # pyright: ignore[reportPrivateUsage] -- `say` has its own refs


@pytest.fixture
def small_world() -> Iterator[None]:
    """Bounds so small that a short history goes beyond all of them."""
    with ExitStack() as patches:
        for module, values in SMALL_BOUNDS:
            for name, value in values.items():
                patches.enter_context(mock.patch.object(module, name, value))
        patches.enter_context(mock.patch.object(client, "ACK_EVERY", 4))
        yield


def drive(machine: type[StreamMachine], examples: int, **values: Any) -> None:
    with mock.patch.object(stream_world, "Client", PageClient):
        run_state_machine_as_test(machine, settings=runs(examples, **values))


@pytest.fixture(params=["memory", "redis"])
def machine(request: pytest.FixtureRequest, key_prefix: str) -> Iterator[type[StreamMachine]]:
    def make(retention: Retention) -> JobStore:
        if request.param == "memory":
            return MemoryJobStore(retention)
        url = request.getfixturevalue("redis_url")
        return RedisJobStore(url, prefix=f"{key_prefix}-{retention.max_entries}", retention=retention)

    stores = Stores(make(SMALL), make(LARGE))
    yield type("PageMachine", (StreamMachine,), {"stores": stores})
    stores.small.close()
    stores.large.close()


@pytest.mark.usefixtures("small_world")
def test_what_the_client_of_the_page_has_is_the_log(machine: type[StreamMachine]) -> None:
    drive(machine, 30)


_begin, _event, _subscribe = client.JobView._begin, client.JobView._event, client.JobView.subscribe


def trusting(self: Any, epoch: str, seq: int, recovered: bool, snapshot: dict[str, Any]) -> None:
    """Does not forget what it has where it is told that the position is not in the log."""
    _begin(self, self.epoch or epoch, seq, True, snapshot)
    self.epoch = epoch


def repeating(self: Any, event: dict[str, Any]) -> Any:
    """Takes every event for a new one."""
    self.seq = event["seq"] - 1
    return _event(self, event)


def leaping(self: Any) -> Any:
    """Says that it has one more than it has."""
    self.seq += 1
    frame = _subscribe(self)
    self.seq -= 1
    return frame


@pytest.mark.usefixtures("small_world")
@pytest.mark.parametrize("machine", ["memory"], indirect=True)
@pytest.mark.parametrize(("name", "bug"), [("_begin", trusting), ("_event", repeating), ("subscribe", leaping)])
def test_a_client_that_breaks_a_rule_of_the_page_is_found(machine: type[StreamMachine], name: str, bug: object) -> None:
    with mock.patch.object(client.JobView, name, bug), pytest.raises(AssertionError):
        drive(machine, 200, database=None, derandomize=True)
