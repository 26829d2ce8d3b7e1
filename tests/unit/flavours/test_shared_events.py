"""One event for many connections: no handler sees what another has done to it, and frozen ones are shared."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import product
from typing import Any, Literal

import pydantic_core
import pytest
from pydantic import BaseModel, ConfigDict, model_validator

from chanx.core import events, topic
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.channels.client import Client
from tests.unit.conftest import Connect

MEMBERS = 5
FORMS = list(product(("action", "message_kind"), (False, True)))
counted: Counter[str] = Counter()


class Board(BaseModel):
    last_moves: list[str] = []
    padding_text: str = ""


class Moved(BaseMessage):
    action: Literal["moved"] = "moved"
    payload: Board

    @model_validator(mode="after")
    def count(self) -> "Moved":
        counted["validated"] += 1
        return self


class FrozenEvent(BaseMessage):
    model_config = ConfigDict(frozen=True)

    action: Literal["frozen_event"] = "frozen_event"
    payload: tuple[str, ...]

    @model_validator(mode="after")
    def count(self) -> "FrozenEvent":
        counted["validated"] += 1
        return self


class Seen(BaseMessage):
    action: Literal["seen"] = "seen"
    payload: Any = None

    def model_dump_json(self, **options: Any) -> str:
        counted["dumped"] += 1
        return super().model_dump_json(**options)


class NewsPayload(BaseModel, frozen=True):
    head_line: str


class News(BaseMessage):
    model_config = ConfigDict(frozen=True)

    action: Literal["news"] = "news"
    payload: NewsPayload

    def model_dump_json(self, **options: Any) -> str:
        counted["dumped"] += 1
        return super().model_dump_json(**options)


Handle = Callable[[Any, Any], Awaitable[BaseMessage | None]]


class Party:
    """Some clients in one group, whose ``handle(self, event)`` is that of a consumer or of a topic."""

    def __init__(self, base: Any, connect: Connect, kind: str) -> None:
        self._base, self._connect, self._kind = base, connect, kind
        self.clients: list[Client] = []

    async def meet(self, handle: Handle, *, members: int = MEMBERS, **options: Any) -> None:
        class Handling:
            @event_handler(output_type=[Moved, Seen, News, FrozenEvent])
            async def moved(self, event: Moved) -> Any:
                return await handle(self, event)

            @event_handler(output_type=[Seen, FrozenEvent])
            async def frozen(self, event: FrozenEvent) -> Any:
                return await handle(self, event)

        class Room(Handling, Topic):
            pattern = "room:{id}"

        self._room = Room

        class Member(self._base):  # type: ignore[misc, name-defined]  # made for each flavour
            topics = [Room]
            groups = ["members"]

            @ws_handler
            async def ping(self, message: PingMessage) -> PongMessage:
                return PongMessage()

        class Player(Handling, Member):
            pass

        chosen = Player if self._kind == "consumer" else Member
        Room.get_channel_layer = staticmethod(self._base.get_channel_layer)  # type: ignore[method-assign]
        self._member: Any = type("Player", (chosen,), options)
        self.key = options.get("discriminator_field", "action")
        for number in range(members):
            client = await self._connect(self._member)
            self.clients.append(client)
            if self._kind == "topic":
                await client.send({"topic": "room:1", self.key: "subscribe"})
                assert (await client.frame())[self.key] == "subscribed"
            self.host(client).number = number

    def host(self, client: Client) -> Any:
        """Whose method the handler is."""
        return client.consumer if self._kind == "consumer" else client.consumer.topic_session._topics["room:1"]

    async def tell(self, event: BaseMessage | None = None) -> None:
        counted.clear()
        event = event or Moved(payload=Board(last_moves=["e4"]))
        counted.clear()
        if self._kind == "consumer":
            await self._member.broadcast_event(event)
        else:
            await self._room.broadcast("room:1", event)

    async def frames(self) -> list[Any]:
        """The next frame of each, without the envelope."""
        frames = [await client.frame() for client in self.clients]
        return [{name: frame[name] for name in (self.key, "payload")} for frame in frames]

    async def heard(self) -> list[Any]:
        return [frame["payload"] for frame in await self.frames()]


@pytest.fixture(params=["consumer", "topic"])
def party(request: pytest.FixtureRequest, base: Any, connect: Connect) -> Party:
    return Party(base, connect, request.param)


# The event


async def test_what_a_handler_does_to_its_event_no_other_sees(party: Party) -> None:
    """At once, after it has waited, or to what it has kept, with the next event."""
    gate = asyncio.Event()

    async def handle(self: Any, event: Moved) -> Seen:
        kept = getattr(self, "kept", None)
        if kept is not None:
            kept.append(f"kept by {self.number}")
            return Seen(payload=kept)
        self.kept = event.payload.last_moves
        event.payload.last_moves.append(str(self.number))
        await gate.wait()
        event.payload.last_moves.append(f"again {self.number}")
        return Seen(payload=event.payload.last_moves)

    await party.meet(handle)
    await party.tell()
    gate.set()
    first = [["e4", str(number), f"again {number}"] for number in range(MEMBERS)]
    assert await party.heard() == first
    await party.tell()
    assert await party.heard() == [[*moves, f"kept by {number}"] for number, moves in enumerate(first)]


async def test_its_json_is_made_once(party: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Counter[str]()

    def to_json(*arguments: Any) -> bytes:
        made["json"] += 1
        return pydantic_core.to_json(*arguments)

    for module in (events, topic):
        monkeypatch.setattr(module, "to_json", to_json)

    async def handle(self: Any, event: Moved) -> Seen:
        return Seen(payload=self.number)

    await party.meet(handle)
    made.clear()
    await party.tell()
    assert await party.heard() == list(range(MEMBERS))
    assert made["json"] == 1


async def test_a_frozen_event_is_shared_whoever_keeps_it(party: Party) -> None:
    async def handle(self: Any, event: FrozenEvent) -> Seen:
        self.kept = event
        await asyncio.sleep(0)
        return Seen(payload=id(event))

    await party.meet(handle)
    await party.tell(FrozenEvent(payload=("e4",)))
    assert len(set(await party.heard())) == 1
    assert counted["validated"] == 1


async def test_a_handler_s_failure_leaves_the_event_to_the_others(party: Party) -> None:
    async def handle(self: Any, event: Moved) -> Seen:
        if self.number == 1:
            event.payload = None  # type: ignore[assignment]  # as users do
            raise RuntimeError("no")
        return Seen(payload=event.payload.last_moves)

    await party.meet(handle)
    await party.tell()
    heard = [(await client.frame())["payload"] for number, client in enumerate(party.clients) if number != 1]
    assert heard == [["e4"]] * (MEMBERS - 1)


# The reply


@pytest.mark.parametrize(("key", "camelize"), FORMS)
async def test_an_event_sent_back_reads_as_it_does_alone(party: Party, key: str, camelize: bool) -> None:
    async def handle(self: Any, event: Moved) -> Moved:
        return event

    await party.meet(handle, discriminator_field=key, camelize=camelize)
    await party.tell()
    moves, padding = ("lastMoves", "paddingText") if camelize else ("last_moves", "padding_text")
    assert await party.frames() == [{key: "moved", "payload": {moves: ["e4"], padding: ""}}] * MEMBERS


@pytest.mark.parametrize(("key", "camelize"), FORMS)
async def test_a_frozen_reply_is_encoded_once(party: Party, key: str, camelize: bool) -> None:
    reply = News(payload=NewsPayload(head_line="Ada wins"))

    async def handle(self: Any, event: Moved) -> News:
        return reply

    await party.meet(handle, discriminator_field=key, camelize=camelize)
    await party.tell()
    head_line = "headLine" if camelize else "head_line"
    assert await party.frames() == [{key: "news", "payload": {head_line: "Ada wins"}}] * MEMBERS
    assert counted["dumped"] == 1


@pytest.mark.parametrize(("key", "camelize"), FORMS)
async def test_a_reply_that_is_changed_in_between_is_sent_as_it_is(party: Party, key: str, camelize: bool) -> None:
    reply = Seen(payload=[])

    async def handle(self: Any, event: Moved) -> Seen:
        reply.payload.append(self.number)
        return reply

    await party.meet(handle, discriminator_field=key, camelize=camelize)
    await party.tell()
    assert await party.heard() == [list(range(number + 1)) for number in range(MEMBERS)]


async def test_each_client_gets_its_own_reply(party: Party) -> None:
    """More of them than are kept, and frozen ones whose identity the next may have."""

    async def handle(self: Any, event: Moved) -> News:
        return News(payload=NewsPayload(head_line=str(self.number)))

    await party.meet(handle, members=40)
    await party.tell()
    assert await party.heard() == [{"head_line": str(number)} for number in range(40)]


async def test_own_ways_of_sending_see_every_reply(base: Any, connect: Connect) -> None:
    seen: list[BaseMessage] = []

    class Member(base):  # type: ignore[misc]  # made for each flavour
        groups = ["members"]

        async def send_message(self, message: BaseMessage, **options: Any) -> None:
            seen.append(message)
            await base.send_message(self, message, **options)

        @event_handler
        async def moved(self, event: Moved) -> Moved:
            return event

    clients = [await connect(Member) for _ in range(MEMBERS)]
    await Member.broadcast_event(Moved(payload=Board()))
    assert [await client.actions(1) for client in clients] == [["moved"]] * MEMBERS
    assert len(seen) == MEMBERS
