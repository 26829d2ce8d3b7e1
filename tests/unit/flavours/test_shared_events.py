"""One event for many connections: validated once, and no handler sees what another has done to it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import product
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, model_validator

from chanx.core import sending
from chanx.core.camelize import camelized as camelized_by_chanx
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.hub.mutable_parts import mutable_parts
from chanx.core.hub.shared_event import SMALL_BYTES, SharedEvent
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


class Spoil(BaseMessage):
    """A client's: change what was kept of the last event, or open the gate."""

    action: Literal["spoil"] = "spoil"
    payload: None = None


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

            @ws_handler
            async def spoil(self, message: Spoil) -> None:
                getattr(self, "on_spoil")()  # noqa: B009  # which a test has set

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

    async def spoil(self, client: Client) -> None:
        await client.send({**({"topic": "room:1"} if self._kind == "topic" else {}), self.key: "spoil"})

    async def frames(self) -> list[Any]:
        """The next frame of each, without the envelope."""
        frames = [await client.frame() for client in self.clients]
        return [{name: frame[name] for name in (self.key, "payload")} for frame in frames]

    async def heard(self) -> list[Any]:
        return [frame["payload"] for frame in await self.frames()]


@pytest.fixture(params=["consumer", "topic"])
def party(request: pytest.FixtureRequest, base: Any, connect: Connect) -> Party:
    return Party(base, connect, request.param)


def warnings(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [vars(record)["values"] for record in caplog.records if "event_changed_by_handler" in record.message]


def large() -> Moved:
    return Moved(payload=Board(last_moves=["e4"], padding_text="x" * SMALL_BYTES))


# The event


async def test_it_is_validated_once_and_the_same_object(party: Party, caplog: pytest.LogCaptureFixture) -> None:
    async def handle(self: Any, event: Moved) -> Seen:
        return Seen(payload=[id(event), event.payload.last_moves])

    await party.meet(handle)
    for event in (None, large()):
        await party.tell(event)
        heard = await party.heard()
        assert heard == [heard[0]] * MEMBERS
        assert counted["validated"] == 1
    assert warnings(caplog) == []


async def test_one_that_waited_in_a_handler_is_not_given_to_another(party: Party) -> None:
    """A handler may change its event after it has waited: others have their own, if they had to wait too."""
    gate = asyncio.Event()

    async def handle(self: Any, event: Moved) -> Seen:
        await gate.wait()
        event.payload.last_moves.append(str(self.number))
        await asyncio.sleep(0)
        return Seen(payload=event.payload.last_moves)

    await party.meet(handle)
    await party.tell()
    for client in party.clients:
        await client.send({party.key: "ping"})
        assert (await client.frame())[party.key] == "pong"
    gate.set()
    assert await party.heard() == [["e4", str(number)] for number in range(MEMBERS)]


@pytest.mark.parametrize("is_large", [False, True])
async def test_a_handler_that_changes_its_event_is_named_once(
    party: Party, caplog: pytest.LogCaptureFixture, is_large: bool
) -> None:
    async def handle(self: Any, event: Moved) -> Seen:
        event.payload.last_moves.append(str(self.number))
        return Seen(payload=event.payload.last_moves)

    await party.meet(handle)
    for _ in range(3):
        await party.tell(large() if is_large else None)
        assert await party.heard() == [["e4", str(number)] for number in range(MEMBERS)]
    (warning,) = warnings(caplog)
    assert warning["handler"] in ("Player.moved", "Room.moved")
    assert "model_copy(deep=True)" in warning["fix"]


@pytest.mark.parametrize("who", range(MEMBERS))
async def test_what_one_client_s_handler_changes_no_other_has(
    party: Party, caplog: pytest.LogCaptureFixture, who: int
) -> None:
    async def handle(self: Any, event: Moved) -> Seen:
        if self.number == who:
            event.payload.last_moves.clear()
        return Seen(payload=event.payload.last_moves)

    await party.meet(handle)
    for _ in range(2):
        await party.tell()
        assert await party.heard() == [[] if number == who else ["e4"] for number in range(MEMBERS)]
    assert len(warnings(caplog)) == (who < MEMBERS - 1)  # there is nobody after the last


@pytest.mark.parametrize("who", range(MEMBERS))
async def test_a_change_of_a_large_event_is_found_by_the_next_message(
    party: Party, caplog: pytest.LogCaptureFixture, who: int
) -> None:
    async def handle(self: Any, event: Moved) -> Seen:
        if self.number == who:
            event.payload.last_moves.clear()
        return Seen(payload=event.payload.last_moves)

    await party.meet(handle)
    await party.tell(large())
    heard = await party.heard()
    assert heard[:who] == [["e4"]] * who
    await party.tell(Moved(payload=Board()))  # with which the last one is let go
    await party.heard()
    assert len(warnings(caplog)) == 1

    await party.tell(large())
    assert await party.heard() == [[] if number == who else ["e4"] for number in range(MEMBERS)]


@pytest.mark.parametrize("kept", ["event", "payload", "list"])
async def test_what_a_connection_keeps_and_changes_later_is_its_own(
    party: Party, caplog: pytest.LogCaptureFixture, kept: str
) -> None:
    async def handle(self: Any, event: Moved) -> Seen:
        parts = {"event": event, "payload": event.payload, "list": event.payload.last_moves}
        if getattr(self, "kept", None) is not None:
            return Seen(payload=self.moves)
        self.kept, self.moves = parts[kept], event.payload.last_moves
        self.on_spoil = lambda: self.moves.append(str(self.number))
        return Seen(payload=self.moves)

    await party.meet(handle)
    await party.tell()
    assert await party.heard() == [["e4"]] * MEMBERS
    for client in party.clients:
        await party.spoil(client)
        await client.send({party.key: "ping"})
        assert (await client.frame())[party.key] == "pong"

    await party.tell()
    assert await party.heard() == [["e4", str(number)] for number in range(MEMBERS)]
    assert warnings(caplog) == []


async def test_a_frozen_event_is_shared_whoever_keeps_it(party: Party) -> None:
    async def handle(self: Any, event: FrozenEvent) -> Seen:
        self.kept = event
        await asyncio.sleep(0)
        return Seen(payload=id(event))

    await party.meet(handle)
    await party.tell(FrozenEvent(payload=("e4",)))
    assert len(set(await party.heard())) == 1


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


@pytest.mark.parametrize("is_same", [True, False])
async def test_equal_replies_get_their_form_once(party: Party, is_same: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, reply = Counter[str](), Seen(payload="all")

    def camelized(*arguments: Any) -> Any:
        calls["camelized"] += 1
        return camelized_by_chanx(*arguments)

    monkeypatch.setattr(sending, "camelized", camelized)

    async def handle(self: Any, event: Moved) -> Seen:
        return reply if is_same else Seen(payload="all")

    await party.meet(handle, camelize=True)
    calls.clear()
    await party.tell()
    assert await party.heard() == ["all"] * MEMBERS
    assert calls["camelized"] == 1


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


# Whatever handlers do


@given(st.lists(st.sampled_from(["leave", "change", "keep", "change what was kept", "keep the list"]), max_size=12))
def test_nobody_is_given_what_another_has_had_its_hands_on(steps: list[str]) -> None:
    text = Moved(payload=Board(last_moves=["e4"])).model_dump_json()
    owner = type("Owner", (), {})
    shared = SharedEvent(Moved.model_validate_json(text), owner, "moved")
    kept: list[list[str]] = []
    held: list[Any] = []
    for step in steps:
        event = shared.hand_out(lambda: Moved.model_validate_json(text))
        assert isinstance(event, Moved)
        assert event.model_dump_json() == text
        assert not any(event.payload.last_moves is moves for moves in kept)
        if step == "change":
            event.payload.last_moves = []
        elif step.startswith("keep"):
            kept.append(event.payload.last_moves)
            held.append(event if step == "keep" else None)
        elif step == "change what was kept":
            for moves in kept:
                moves.append("d5")


def test_what_can_be_changed() -> None:
    class Open(BaseModel):
        parts: tuple[Any, ...] = ()

    class Computed(NewsPayload, frozen=True):
        @property
        def own(self) -> str:
            return "no field"

    assert mutable_parts(News(payload=Computed(head_line="x"))) == []
    assert mutable_parts((1, "a", None, frozenset((1.5, b"")))) == []
    inner = [1]
    holder = Open(parts=(inner, "a"))
    assert mutable_parts(holder) == [holder, inner]
    moved = Moved(payload=Board())
    assert mutable_parts(moved) == [moved, moved.payload, moved.payload.last_moves]
