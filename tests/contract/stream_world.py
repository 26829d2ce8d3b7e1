"""The world of the stream's model test: one job in a real store, a layer that errs, and clients as browsers have them.

What is real: the store, topic sessions, job topics, streams. What is not: time, the channel layer, sockets.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from types import SimpleNamespace
from typing import Any, TypeVar

from celery import Celery

from chanx.bridge import Bridge, JobTopic
from chanx.bridge.entry import Appended, AppendStatus, NewEntry
from chanx.bridge.states import JobState
from chanx.bridge.store.async_store import AsyncJobStore
from chanx.bridge.store.base import JobStore, StoreUnavailableError
from chanx.bridge.transports.direct import DirectTransport, live_message
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.layers import MemoryPublisher
from tests.contract.jobs import create
from tests.virtual_loop import VirtualTimeLoop

T = TypeVar("T")
Message = dict[str, Any]

LATEST = ("job_progress", "statistics")


class SlowStore(AsyncJobStore):
    """Each call takes virtual time, before the store is asked and after; ``is_away`` makes it fail."""

    def __init__(self, store: JobStore) -> None:
        super().__init__(store)
        self.is_away = False
        self.delays: Sequence[float] = (0.001,)
        self._calls = 0

    async def run(self, function: Callable[[], T]) -> T:
        self._calls += 1
        delay = self.delays[self._calls % len(self.delays)]
        await asyncio.sleep(delay)
        if self.is_away:
            raise StoreUnavailableError("away")
        answer = function()
        await asyncio.sleep(delay)
        return answer


class Layer:
    """A channel layer whose messages lie on the wire of each channel until somebody delivers them."""

    def __init__(self) -> None:
        self.wires: dict[str, list[Message]] = {}
        self.loses_probes = False

    async def group_add(self, group: str, channel: str) -> None:
        self.wires.setdefault(channel, [])

    async def group_discard(self, group: str, channel: str) -> None:
        self.wires.pop(channel, None)

    async def group_send(self, group: str, message: Message) -> None:
        assert "probe" in message
        if not self.loses_probes:
            for wire in self.wires.values():
                wire.append(message)


class Client:
    """What a browser has of the job, over as many connections as it takes; it checks what it is sent."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.connection: Connection | None = None
        self.connections = 0
        self.epoch: str | None = None
        self.start = 0
        self.seen: list[int] = []
        self.latest: dict[str, int] = {}
        self._asked_after: int | None = None
        self._revs: dict[str, int] = {}
        self._subscribed_at_rev = 0

    @property
    def position(self) -> int:
        return self.start + len(self.seen)

    @property
    def is_up_to_date(self) -> bool:
        world = self.world
        return (self.epoch, self.position, self.latest) == (world.epoch, len(world.log), world.latest)

    def connect(self) -> None:
        self.connections += 1
        self.connection = Connection(self, f"{self.name}.{self.connections}")

    def subscribe(self) -> None:
        """Asks, unless an answer is still to come: a client asks for what it has when it asks."""
        assert self.connection is not None
        if self._asked_after is None:
            self._asked_after = self.position
            self.connection.say("subscribe", {"epoch": self.epoch, "after": self.position} if self.epoch else None)

    async def disconnect(self) -> None:
        connection, self.connection, self._asked_after = self.connection, None, None
        if connection is not None:
            await connection.close()

    def take(self, frame: Message) -> None:
        if frame["action"] == "subscribed":
            self._take_answer(frame["payload"], is_asked_for="ref" in frame)
        elif frame["action"] == "error":
            if frame["ref"] == "subscribe":
                self._asked_after = None  # the store was away
        elif "seq" in frame:
            assert frame["seq"] == self.position + 1, f"{self.name} has {self.position} and is sent {frame['seq']}"
            self.seen.append(frame["payload"])
        else:
            assert frame["rev"] > self._revs.get(frame["action"], self._subscribed_at_rev), "nothing new"
            assert frame["head"] <= self.position, "ahead of the log"
            self._revs[frame["action"]] = frame["rev"]
            self.latest[frame["action"]] = frame["payload"]

    def check(self) -> None:
        if self.epoch is not None:
            log = self.world.logs[self.epoch]
            assert self.seen == log[self.start : self.position], "what was seen is not the log"

    def _take_answer(self, payload: Message, *, is_asked_for: bool) -> None:
        snapshot = payload["snapshot"]
        if payload["recovered"]:
            assert is_asked_for
            asked, self._asked_after = self._asked_after or 0, None
            # What still came after it had asked comes once more.
            assert payload["epoch"] == self.epoch or asked == 0
            self.start, self.seen = min(self.start, asked), self.seen[: max(asked - self.start, 0)]
        else:
            self._asked_after = None if is_asked_for else self._asked_after
            self.start, self.seen = snapshot["oldest"] - 1, []
        self.epoch = payload["epoch"]
        self.latest = {name: value for name, value in snapshot["fields"].items() if name in LATEST}
        self._revs, self._subscribed_at_rev = {}, snapshot["rev"]


class Connection:
    """One socket of a client: a consumer without a server, whose frames and events are handled as the server does."""

    def __init__(self, client: Client, channel: str) -> None:
        self._client, self.channel = client, channel
        world = client.world
        self.drains = asyncio.Event()
        self.drains.set()
        self._layer = world.layer
        self._consumer: Any = world.consumer_class()
        self._consumer.scope = {"type": "websocket", "user": SimpleNamespace(pk=1)}
        self._consumer.user = self._consumer.scope["user"]
        self._consumer.channel_layer, self._consumer.channel_name = world.layer, channel
        self._consumer.base_send = self._send
        self._frames: asyncio.Queue[Message] = asyncio.Queue()
        self._serving = world.loop.create_task(self._serve())

    def say(self, action: str, payload: Any = None) -> None:
        topic = self._client.world.topic
        self._frames.put_nowait({"topic": topic, "action": action, "payload": payload, "ref": action})

    async def receive(self, message: Message) -> None:
        await self._consumer.handle_topic_event(message)

    async def close(self) -> None:
        self._consumer.is_closed = True
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)
        await self._layer.group_discard("", self.channel)
        await self._consumer.topic_session.close()

    async def _serve(self) -> None:
        while True:
            await self._consumer.topic_session.receive(await self._frames.get())

    async def _send(self, message: Message) -> None:
        await self.drains.wait()
        if self._client.connection is self:
            try:
                self._client.take(json.loads(message["text"]))
            except Exception as error:
                self._client.world.errors.append(error)


class World:
    """The job, the layer and the clients, on a loop of their own.

    ``logs`` has the whole log of each epoch, by what its events say; ``log`` is the present one.
    """

    def __init__(self, store: JobStore, *, clients: int) -> None:
        self.loop = VirtualTimeLoop()
        asyncio.set_event_loop(self.loop)
        self.store = store
        self.job_id = create(store)
        self.topic = f"job:{self.job_id}"
        self.layer = Layer()
        self._app = Celery("world", set_as_current=False)
        bridge = Bridge(self._app, store, DirectTransport(store, MemoryPublisher()))
        self.reading = SlowStore(store)
        object.__setattr__(bridge, "async_store", self.reading)
        topic = type("Jobs", (JobTopic,), {"bridge": bridge, "reauthorize_seconds": None})
        self.consumer_class = type("Consumer", (AsyncJsonWebsocketConsumer,), {"topics": [topic]})
        self.log: list[int] = []
        self.latest: dict[str, int] = {}
        self.logs = {self.epoch: self.log}
        self.has_ended = False
        self.errors: list[Exception] = []
        self._counted = 0
        self.clients = [Client(self, f"client{n}") for n in range(clients)]

    @property
    def epoch(self) -> str:
        snapshot = self.store.snapshot(self.job_id)
        assert snapshot is not None
        return snapshot.epoch

    def begin_epoch(self, log: list[int], latest: dict[str, int]) -> None:
        """The store has another epoch now, and this in it."""
        self.log, self.latest = list(log), dict(latest)
        assert self.epoch not in self.logs
        self.logs[self.epoch] = self.log

    def publish(self, *, latest: str | None = None, size: int = 0, ends: bool = False) -> Message | None:
        """One event of the worker: its live message if the log has it."""
        if self.reading.is_away:
            return None
        self._counted += 1
        action = latest or ("job_succeeded" if ends else "x")
        event = f'{{"action":"{action}","payload":{self._counted},"filling":"{"x" * size}"}}'
        entry = NewEntry(
            self.job_id,
            action,
            event,
            f"run{self._counted}",
            1,
            "latest" if latest else "log",
            state=JobState.SUCCEEDED if ends else None,
            patch={latest: str(self._counted)} if latest else {},
        )
        return self._published(entry, self.store.append(entry))

    def _published(self, entry: NewEntry, appended: Appended) -> Message | None:
        if appended.status is not AppendStatus.APPENDED:
            assert self.has_ended
            return None
        if entry.delivery == "latest":
            self.latest[entry.action] = self._counted
        else:
            self.log.append(self._counted)
        self.has_ended = entry.state is JobState.SUCCEEDED
        return dict(live_message(entry, appended))

    def deliver(self, client: Client, message: Message) -> None:
        """The layer hands a message to a client's connection, if it is still in the group."""
        if client.connection is not None and client.connection.channel in self.layer.wires:
            self.loop.create_task(client.connection.receive(message))

    def wire(self, client: Client) -> list[Message]:
        return self.layer.wires.get(client.connection.channel, []) if client.connection else []

    def pass_time(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))
        if self.errors:
            raise self.errors[0]
        for client in self.clients:
            client.check()

    def run(self, doing: Coroutine[Any, Any, object]) -> None:
        self.loop.run_until_complete(doing)

    def close(self) -> None:
        for client in self.clients:
            self.run(client.disconnect())
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        self.run(asyncio.wait(left) if left else asyncio.sleep(0))
        asyncio.set_event_loop(None)
        self.loop.close()
        self._app.close()
