"""What changed between two documents beside their schemas: channels, messages, replies."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from chanx.asyncapi.changes import Change
from chanx.asyncapi.comparing import changes_between
from chanx.errors import DocumentError
from tests.unit.asyncapi.documents import channel, document, message

TEXT = {"type": "string"}
MESSAGES = {"chat": message("chat", TEXT), "said": message("said", TEXT), "refused": message("refused", TEXT)}
CHAT = ("handle_chat", "receive", "chat", ("said",))


def facts(changes: list[Change]) -> list[tuple[str, str, str]]:
    return [(change.severity, change.where, change.what) for change in changes]


def one_channel(**more: Any) -> dict[str, Any]:
    return document(MESSAGES, [CHAT], channels={"chat": channel(**more)})


def topic(pattern: str, **more: Any) -> dict[str, Any]:
    return {"name": "chat", "pattern": pattern, "parameters": ["id"], **more}


def one_topic() -> dict[str, Any]:
    more: dict[str, Any] = {"x-topic": topic("room:{id}")}
    return channel(**more)


def test_a_message_that_clients_can_no_longer_send() -> None:
    """Given an operation that is gone, When compared, Then it is named, and so is the answer that goes with it."""
    changes = changes_between(document(MESSAGES, [CHAT]), document(MESSAGES, [], channels={"chat": channel()}))

    assert facts(changes) == [
        ("breaking", "chat (client to server)", "message_removed"),
        ("breaking", "said (server to client)", "message_removed"),
    ]


def test_a_new_message() -> None:
    changes = changes_between(document(MESSAGES, [CHAT]), document(MESSAGES, [CHAT, ("warn", "send", "refused", ())]))

    assert facts(changes) == [("compatible", "refused (server to client)", "message_added")]
    assert changes[0].text == "is a new message that clients may get"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (("said",), ("said", "refused"), ["breaking reply_added", "compatible message_added"]),
        (("said", "refused"), ("said",), ["breaking message_removed"]),
        (("said",), (), ["breaking reply_removed", "breaking message_removed"]),
        ((), ("said",), ["compatible reply_added", "compatible message_added"]),
    ],
)
def test_replies(before: tuple[str, ...], after: tuple[str, ...], expected: list[str]) -> None:
    """A client that waits for an answer fails on one it does not know, and waits for ever if there is none."""
    old = document(MESSAGES, [("handle_chat", "receive", "chat", before)])
    new = document(MESSAGES, [("handle_chat", "receive", "chat", after)])

    assert [f"{change.severity} {change.what}" for change in changes_between(old, new)] == expected


def test_a_reply_that_is_still_sent_otherwise() -> None:
    other = ("told", "send", "refused", ())
    old = document(MESSAGES, [("handle_chat", "receive", "chat", ("said", "refused")), other])
    new = document(MESSAGES, [CHAT, other])

    assert facts(changes_between(old, new)) == [("compatible", "chat (client to server)", "reply_removed")]


def test_another_name_of_an_operation_and_of_everything_else() -> None:
    """Given other keys of operation, message and schema, When the frames are the same, Then clients do not break."""
    renamed = {"chat_text": MESSAGES["chat"], "said_text": MESSAGES["said"]}
    new = document(renamed, [("talk", "receive", "chat_text", ("said_text",))])

    changes = changes_between(document(MESSAGES, [CHAT]), new)

    assert facts(changes) == [("compatible", "chat (client to server)", "operation_renamed")]


def test_two_actions_of_one_message_are_two_messages() -> None:
    """Given a message of two actions, When it becomes two messages, Then nothing has changed but a name."""
    both = message("up", TEXT)
    both["properties"]["action"] = {"enum": ["up", "down"], "type": "string"}
    old = document({"move": both}, [("move", "receive", "move", ())])
    parts = {"up": message("up", TEXT), "down": message("down", TEXT)}
    new = document(parts, [("move", "receive", "up", ()), ("move_down", "receive", "down", ())])

    assert {change.severity for change in changes_between(old, new)} <= {"compatible"}
    assert "message_removed" not in [change.what for change in changes_between(old, new)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"address": "ws/room/"}, ["breaking address"]),
        ({"address": "ws/{room}/"}, {"address": "ws/{name}/"}, ["breaking parameter_renamed"]),
        ({"address": "ws/{a}/{b}/"}, {"address": "ws/{a}/{c}/"}, ["breaking parameter_renamed"]),
        ({"address": "ws/{room}/"}, {"address": "ws/in/{name}/"}, "breaking address,breaking parameter_removed,"
         "breaking parameter_added"),
        ({}, {"x-discriminator": "type"}, ["breaking discriminator"]),
        ({}, {"x-topic": topic("room:{id}")}, ["breaking topic"]),
        ({"x-topic": topic("room:{id}")}, {}, ["breaking topic"]),
        ({"x-topic": topic("room:{id}")}, {"x-topic": topic("rooms:{id}")}, ["breaking topic_pattern"]),
        ({"x-topic": topic("room:{id}")}, {"x-topic": topic("room:{id}", protocol="job-stream")},
         ["breaking topic_protocol"]),
        ({"description": "a"}, {"description": "b", "tags": [{"name": "x"}]}, []),
    ],
)  # fmt: skip
def test_channels(before: dict[str, Any], after: dict[str, Any], expected: list[str] | str) -> None:
    changes = changes_between(one_channel(**before), one_channel(**after))
    found = [
        f"{change.severity} {change.what}" for change in changes if not change.where.startswith(("chat ", "said "))
    ]

    assert found == (expected.split(",") if isinstance(expected, str) else expected)


@pytest.mark.parametrize(
    ("before", "after", "severity"),
    [("int", "str", "compatible"), ("str", "int", "breaking"), ("(regex: \\d+)", "(regex: \\w+)", "breaking")],
)
def test_what_a_parameter_may_be(before: str, after: str, severity: str) -> None:
    def with_kind(kind: str) -> dict[str, Any]:
        described = kind if kind.startswith("(") else f"({kind})"
        return one_channel(address="ws/{pk}/", parameters={"pk": {"description": f"Path parameter for pk {described}"}})

    changes = changes_between(with_kind(before), with_kind(after))

    assert facts(changes) == [(severity, "pk", "parameter_kind")]


def test_a_parameter_of_another_name_and_kind() -> None:
    """Given a parameter that is renamed, When it takes less too, Then both are told, and no new address."""

    def at(name: str, kind: str) -> dict[str, Any]:
        parameters = {name: {"description": f"Path parameter for {name} ({kind})"}}
        return one_channel(address=f"ws/{{{name}}}/", parameters=parameters)

    assert facts(changes_between(at("pk", "str"), at("room", "int"))) == [
        ("breaking", "pk", "parameter_renamed"),
        ("breaking", "room", "parameter_kind"),
    ]


def test_a_channel_that_is_renamed_while_its_frames_change() -> None:
    """Given another name and another discriminator, When told, Then nobody says that the frames are the same."""
    old = document(MESSAGES, [], channels={"chat": channel()})
    more: dict[str, Any] = {"x-discriminator": "kind"}
    new = document(MESSAGES, [], channels={"talk": channel(**more)})

    assert "frames are the same" not in " ".join(change.text for change in changes_between(old, new))


def test_channels_that_come_and_go() -> None:
    old = document(MESSAGES, channels={"a": channel("ws/a/"), "b": channel("ws/b/")})
    new = document(MESSAGES, channels={"c": channel("ws/c/"), "chat": channel("ws/b/")})

    assert [(change.channel, change.severity, change.what) for change in changes_between(old, new)] == [
        ("c", "compatible", "channel_added"),
        ("chat", "compatible", "channel_renamed"),
        ("a", "breaking", "channel_removed"),
    ]


def test_another_discriminator_does_not_make_every_message_another() -> None:
    """Given another discriminator, When compared, Then that is told once, and the messages are still known."""
    other = {"properties": {"type": {"const": "chat"}, "payload": TEXT}, "required": ["payload"], "type": "object"}
    old = document({"chat": MESSAGES["chat"]}, [("chat", "receive", "chat", ())])
    new = document(
        {"chat": other}, [("chat", "receive", "chat", ())], channels={"chat": channel(**{"x-discriminator": "type"})}
    )

    assert facts(changes_between(old, new)) == [("breaking", "", "discriminator")]


def test_a_topic_whose_subscribe_wants_a_payload_now() -> None:
    """Given a topic that said nothing of subscribing, When it requires a field there, Then clients break."""
    payload = {"type": "object", "properties": {"token": TEXT}, "required": ["token"]}
    channels = {"chat": one_topic()}
    operations = [("subscribe", "receive", "subscribe", ())]
    old = document({}, [], channels=channels)
    needed = document({"subscribe": message("subscribe", payload)}, operations, channels=channels)
    optional = {"anyOf": [payload, {"type": "null"}], "default": None}
    free = message("subscribe")
    free["properties"]["payload"] = optional
    wanted = document({"subscribe": free}, operations, channels=channels)

    assert "breaking" in [change.severity for change in changes_between(old, needed)]
    assert "breaking" not in [change.severity for change in changes_between(old, wanted)]
    assert "breaking" not in [change.severity for change in changes_between(needed, old)]


def test_a_topic_that_no_longer_says_what_subscribing_gives() -> None:
    """Given a typed answer to subscribing, When its type is gone, Then it is not said to be no longer sent."""
    channels = {"chat": one_topic()}
    messages = {"subscribe": message("subscribe"), "subscribed": message("subscribed", TEXT)}
    typed = document(messages, [("subscribe", "receive", "subscribe", ("subscribed",))], channels=channels)
    half = document(messages, [("subscribe", "receive", "subscribe", ())], channels=channels)
    untyped = document({}, [], channels=channels)

    for other in (half, untyped):
        [gone], [come] = changes_between(typed, other), changes_between(other, typed)
        assert (gone.severity, gone.where, gone.text) == (
            "breaking", "subscribed (server to client)", "no longer says what its payload is"
        )  # fmt: skip
        assert (come.severity, come.text) == ("compatible", "says what its payload is now")


def test_schemas_of_too_many_levels_are_told_as_that() -> None:
    schemas: dict[str, Any] = {"S0": TEXT}
    for level in range(1, 900):
        schemas[f"S{level}"] = {"type": "array", "items": {"$ref": f"#/components/schemas/S{level - 1}"}}
    deep = document(
        {"chat": message("chat", {"$ref": "#/components/schemas/S899"})}, [(*CHAT[:3], ())], schemas=schemas
    )

    with pytest.raises(DocumentError, match="too many levels"):
        changes_between(deep, copy.deepcopy(deep))


def test_the_same_document_in_another_order() -> None:
    old = document(MESSAGES, [CHAT, ("warn", "send", "refused", ())])
    new = copy.deepcopy(old)
    new["operations"] = dict(reversed(new["operations"].items()))
    new["components"]["schemas"] = dict(reversed(new["components"]["schemas"].items()))

    assert changes_between(old, new) == []


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({}, ["no AsyncAPI 3 document", '"asyncapi"']),
        ({"asyncapi": "2.6.0"}, ["asyncapi 2.6.0", "Convert"]),
        ({"asyncapi": "3.0.0"}, ["broken at info", "required"]),
        (document(MESSAGES, [("x", "receive", "missing", ())]), ["missing", "leads nowhere"]),
        (document({"chat": {"$ref": "other.json#/x"}}, [("x", "receive", "chat", ())]), ["leads out of the document"]),
        (document({"chat": "text"}, [("x", "receive", "chat", ())]), ["broken at components.schemas.chat_schema"]),
        (document({"chat": {"type": "date"}}, [("x", "receive", "chat", ())]), ["'date'"]),
    ],
)
def test_documents_that_cannot_be_compared(broken: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(DocumentError) as raised:
        changes_between(broken, document())

    assert [word for word in words if word not in str(raised.value)] == []


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": "a"},
        {"type": "object", "properties": []},
        {"anyOf": 5},
        {"type": 5},
        {"enum": 5},
        {"type": "number", "multipleOf": 0},
        {"type": "object", "required": 5},
        {"type": "array", "prefixItems": 5},
        {"$ref": 5},
        {"const": {"a": 1}, "pattern": 5},
    ],
)
def test_a_malformed_schema_is_no_traceback(schema: Any) -> None:
    """Given a schema that is none, When compared, Then there is an answer, or an error that names the document."""
    broken = document({"chat": message("chat", schema)}, [(*CHAT[:3], ())])
    right = document({"chat": message("chat", TEXT)}, [(*CHAT[:3], ())])
    for old, new in ((broken, right), (right, broken), (broken, copy.deepcopy(broken))):
        try:
            changes_between(old, new)
        except DocumentError as error:
            assert "document" in str(error)  # noqa: PT017 -- either is right
