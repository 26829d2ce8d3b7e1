"""What one consumer sends to others reaches each client in its own wire form, whatever the sender's is."""

from typing import Any, Literal

import pytest

from chanx.core.decorators import event_handler, ws_handler
from chanx.messages.base import BaseMessage
from tests.unit.channels.client import Client
from tests.unit.conftest import Connect
from tests.unit.flavours.wire_forms import (
    FORMS,
    PAYLOAD,
    ByAction,
    ByEach,
    ByType,
    Person,
    check_broadcasts,
    receiver,
    sender,
)

NAMES = [f"{key}, {'camelCase' if camelize else 'snake_case'}" for key, camelize in FORMS]


@pytest.mark.parametrize("form", FORMS, ids=NAMES)
async def test_a_broadcast_is_what_each_member_would_send_itself(
    base: Any, connect: Connect, form: tuple[str, bool]
) -> None:
    clients: dict[tuple[str, bool], Client] = {other: await connect(receiver(base, other)) for other in FORMS}

    await check_broadcasts(base, form, clients)


async def test_a_broadcast_word_for_word(base: Any, connect: Connect) -> None:
    # Given
    client = await connect(sender(base, ("type", False)))
    camel = await connect(receiver(base, ("action", True)))
    plain = await connect(receiver(base, ("action", False)))

    # When
    await client.send({"type": "broadcast", "payload": "ByType"})

    # Then
    data = {"snake_key": {"in_it": 1}, "camelKey": 2}
    grace = {"firstName": "Grace", "ownData": data, "bestFriends": []}
    assert await camel.frame() == {
        "action": "by_type",
        "payload": {"firstName": "Ada", "ownData": data, "bestFriends": [grace]},
        "moreData": {"snake_key": 1},
    }
    assert await plain.frame() == {
        "action": "by_type",
        "payload": PAYLOAD.model_dump(mode="json"),
        "more_data": {"snake_key": 1},
    }


async def test_a_group_message_carries_names_only_where_there_are_any_to_rename(base: Any, connect: Connect) -> None:
    seen: list[dict[str, Any]] = []

    async def handle_group_message(self: Any, message: dict[str, Any]) -> None:
        seen.append(message)
        await super(type(self), self).handle_group_message(message)

    client = await connect(sender(base, ("action", True)))
    member = await connect(receiver(base, ("action", True), handle_group_message=handle_group_message))
    await client.send({"action": "broadcast", "payload": "NothingToRename"})
    await client.send({"action": "broadcast", "payload": "ByAction"})
    await member.frames(2)

    assert [sorted(message) for message in seen] == [
        ["exclude", "message", "tags", "type"],
        ["exclude", "message", "names", "tags", "type"],
    ]


@pytest.mark.parametrize("key", ["action", "type"])
async def test_a_group_message_of_other_code_needs_a_message_only(
    base: Any, layer: Any, connect: Connect, key: str
) -> None:
    client = await connect(receiver(base, ("type", True)))

    await layer.group_send("all", {"type": "handle_group_message", "message": {key: "raw_one", "payload": {"a_b": 1}}})

    assert await client.frame() == {"type": "raw_one", "payload": {"a_b": 1}}


class Reply(BaseMessage):
    type: Literal["reply"] = "reply"
    payload: Person


@pytest.mark.parametrize("form", FORMS, ids=NAMES)
@pytest.mark.parametrize("event", [ByAction(), ByType(), ByEach()], ids=lambda event: type(event).__name__)
async def test_events_and_their_answers(base: Any, connect: Connect, form: tuple[str, bool], event: Any) -> None:
    """Sent through a class of any form: what arrives is for the class of the connection to say."""
    key, camelize = form

    class Handling(receiver(base, form)):  # type: ignore[misc]  # made for each flavour
        passthrough_events = [ByEach]

        @event_handler
        async def by_action(self, event: ByAction) -> Reply:
            return Reply(payload=event.payload)

        @event_handler
        async def by_type(self, event: ByType) -> Reply:
            assert event.more_data == {"snake_key": 1}
            return Reply(payload=event.payload)

        @ws_handler
        async def pass_on(self, message: ByAction) -> None:
            await Through.broadcast_event(event)

    class Through(base):  # type: ignore[misc]  # made for each flavour
        groups = ["all"]
        discriminator_field, camelize = ("type" if key == "action" else "action"), not form[1]

    client = await connect(Handling)
    await client.send({key: "by_action"})
    await Through.send_event(event, client.consumer.channel_name)

    expected = Reply(payload=PAYLOAD) if not isinstance(event, ByEach) else event
    frame = Handling().encode(expected)
    assert [await client.output(), await client.output()] == [{"type": "websocket.send", "text": frame}] * 2
    assert ('"firstName":"Ada"' in frame) is camelize
    tag = "reply" if isinstance(expected, Reply) else getattr(event, key)
    assert frame.startswith(f'{{"{key}":"{tag}"') or f'"{key}":"{tag}"' in frame
