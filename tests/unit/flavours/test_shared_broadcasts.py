"""A broadcast is encoded once for the members who write it alike, and each gets what it would have encoded itself."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chanx.core import broadcasting, sending
from chanx.core.camelize import camelized_by
from chanx.core.hub import SharedMessage
from chanx.core.rekeying import rekeyed
from chanx.core.sending import json_text
from chanx.messages.base import ACTION, BaseMessage
from tests.unit.channels.client import Client
from tests.unit.conftest import Connect
from tests.unit.flavours.conftest import FLAVOURS, Flavour
from tests.unit.flavours.wire_forms import (
    FORMS,
    ByAction,
    ByEach,
    ByType,
    NothingToRename,
    Person,
    TypeIsData,
    receiver,
    sender,
)


def encoded_alone(member: Any, message: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """What a member made of a broadcast when each encoded it for itself."""
    content, key, names = message["message"], member.discriminator, message.get("names")
    tags = message.get("tags") or [key if key in content else ACTION]
    content = rekeyed(content, key if key in tags else tags[0], key)
    if names is not None and member.should_camelize:
        return content, json_text(camelized_by(names, content, key))
    return content, member.encode_content(content)


class Numbered:
    """Writes in a way of its own: no other connection's frame is its."""

    number = 0

    def encode_content(self, content: Any) -> str:
        return json.dumps([self.number, content])


class Fickle:
    """Says for each instance whether it is camelCase; its class says something else."""

    is_camel = False

    @property
    def should_camelize(self) -> bool:
        return self.is_camel


def classes_of(base: Any) -> list[Any]:
    """For every form: who declares nothing, who declares a message, and two that have a mind of their own."""
    made = [(receiver(base, form), sender(base, form)) for form in FORMS]
    own = [type("Own", (mixin, receiver(base, form)), {}) for form in FORMS for mixin in (Numbered, Fickle)]
    return [one for pair in made for one in pair] + own


CLASSES = {name: classes_of(flavour.base) for name, flavour in FLAVOURS.items()}

texts = st.text(max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts | st.just("snake_key"), inner, max_size=2),
    max_leaves=6,
)
data = st.dictionaries(texts | st.sampled_from(["snake_key", "first_name", "type"]), values, max_size=3)
people = st.recursive(
    st.builds(Person, first_name=texts, own_data=data, best_friends=st.just([])),
    lambda inner: st.builds(Person, first_name=texts, own_data=data, best_friends=st.lists(inner, max_size=2)),
    max_leaves=3,
)
declared: st.SearchStrategy[BaseMessage] = st.one_of(
    st.builds(ByAction, payload=people),
    st.builds(ByType, payload=people, more_data=values),
    st.builds(ByEach, payload=people),
    st.builds(TypeIsData, payload=people, type=st.integers()),
    st.builds(NothingToRename, payload=st.dictionaries(texts, st.integers(), max_size=2)),
)
tags = st.sampled_from(["by_action", "by_type", "by_each", "undeclared"])


def raw_message(keys: dict[str, str], payload: Any, rest: dict[str, Any]) -> dict[str, Any]:
    return {**rest, **keys, "payload": payload}


undeclared = st.builds(
    raw_message,
    st.dictionaries(st.sampled_from(["action", "type", "message_kind"]), tags, min_size=1),
    people.map(Person.model_dump) | values,
    data,
)


def from_consumer(cls: Any, message: BaseMessage | dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = cls()._group_message(message)
    return made


def from_other_code(content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "handle_group_message", "message": content}


def group_messages(flavour: str) -> st.SearchStrategy[dict[str, Any]]:
    """What consumers of any form put into a group, and what other code does."""
    senders = [cls for cls in CLASSES[flavour] if not issubclass(cls, Numbered | Fickle)]
    return st.builds(from_consumer, st.sampled_from(senders), declared | undeclared) | st.builds(
        from_other_code, undeclared
    )


def member(cls: Any, number: int, is_camel: bool) -> Any:
    made = cls()
    made.number, made.is_camel = number, is_camel
    return made


@pytest.mark.parametrize("flavour_name", FLAVOURS)
@settings(max_examples=100, deadline=None)
@given(drawn=st.data())
def test_every_member_has_what_it_encodes_alone(flavour_name: str, drawn: st.DataObject) -> None:
    # Given a message that is shared by members of any classes, in any order
    message = drawn.draw(group_messages(flavour_name))
    classes = st.tuples(st.sampled_from(CLASSES[flavour_name]), st.booleans())
    members = [
        member(cls, number, is_camel)
        for number, (cls, is_camel) in enumerate(drawn.draw(st.lists(classes, min_size=2, max_size=12)))
    ]
    before = json.dumps(message)
    shared = SharedMessage(message, members=len(members))

    # When, Then
    for one in members:
        content, text = one.broadcast_content(shared)
        expected, expected_text = encoded_alone(one, json.loads(before))
        assert text == expected_text
        assert content.get(one.discriminator) == expected.get(one.discriminator)
    assert json.dumps(shared) == before


@pytest.mark.parametrize("flavour_name", FLAVOURS)
@settings(max_examples=15, deadline=None)
@given(drawn=st.data())
def test_through_a_layer_too(flavour_name: str, drawn: st.DataObject) -> None:
    """Whether the frame goes out directly or, with completions, is dispatched."""
    members = drawn.draw(st.lists(st.tuples(st.sampled_from(FORMS), st.booleans()), min_size=2, max_size=6))
    messages = drawn.draw(st.lists(group_messages(flavour_name), min_size=1, max_size=3))
    asyncio.run(exchanged(FLAVOURS[flavour_name], members, messages))


async def exchanged(
    flavour: Flavour, members: Sequence[tuple[tuple[str, bool], bool]], messages: list[dict[str, Any]]
) -> None:
    layer = flavour.new_layer()

    def get_channel_layer(alias: str) -> Any:
        return layer

    base = type("Base", (flavour.base,), {"get_channel_layer": staticmethod(get_channel_layer)})
    clients = [Client(receiver(base, form, send_completion=completes)) for form, completes in members]
    for client in clients:
        await client.connect()
    for client in clients:  # which is answered when the groups are joined
        await client.send({client.consumer.discriminator: "ping"})
        assert (await client.frame())[client.consumer.discriminator] == "pong"
        if client.consumer.should_send_completion:
            await client.frame()
    for message in messages:
        await layer.group_send("all", message)
    for client, (_, completes) in zip(clients, members, strict=True):
        for message in messages:
            expected = encoded_alone(client.consumer, message)[1]
            assert await client.output() == {"type": "websocket.send", "text": expected}
            if completes:
                assert (await client.frame())[client.consumer.discriminator] == "group_complete"
    for client in clients:
        await client.disconnect()


@pytest.mark.parametrize("completes", [False, True], ids=["sent directly", "dispatched"])
async def test_it_is_encoded_once_for_each_wire_form(
    base: Any, layer: Any, connect: Connect, monkeypatch: pytest.MonkeyPatch, completes: bool
) -> None:
    # Given three members of each form, of three classes
    clients = [await connect(receiver(base, form, send_completion=completes)) for form in FORMS for _ in range(3)]
    for client in clients:
        await client.send({client.consumer.discriminator: "ping"})
        await client.frames(2 if completes else 1)
    encoded: list[str] = []

    def counted(work: Callable[..., str]) -> Callable[..., str]:
        def run(content: Any) -> str:
            encoded.append(text := work(content))
            return text

        return run

    for module in (broadcasting, sending):
        monkeypatch.setattr(module, "json_text", counted(json_text))

    # When
    await layer.group_send("all", sender(base, ("type", False))()._group_message(ByAction()))
    for client in clients:
        await client.frames(2 if completes else 1)

    # Then
    frames = [text for text in encoded if "by_action" in text]
    assert len(frames) == len(set(frames)) == len(FORMS)
