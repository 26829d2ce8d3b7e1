"""What consumers send is checked against their documents, on both flavours, below everything that sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.core.connection import Connection
from chanx.errors import ContractViolationError, DocumentError
from chanx.routing.discovery import RouteInfo
from chanx.testing.contract import ContractChecker, assert_compatible
from tests.unit.conftest import Connect
from tests.unit.flavours.conftest import base as base
from tests.unit.flavours.conftest import flavour as flavour
from tests.unit.flavours.conftest import layer as layer
from tests.unit.testing.consumers import (
    Answer,
    News,
    Text,
    Undeclared,
    chat,
    missing_default,
    said,
    undeclared,
    what_clients_send,
    wrong_type,
)

# The checks of warnings are the project's own: pydantic warns of what these consumers send on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")

SAY = {"action": "say", "payload": "hello"}
ROOM = {"topic": "room:1"}


@pytest.fixture
def contract() -> Iterator[ContractChecker]:
    checker = ContractChecker()
    checker.start()
    yield checker
    checker.stop()


def document_of(consumer: Any, **options: Any) -> dict[str, Any]:
    return AsyncAPIGenerator([RouteInfo("ws/chat/", None, "ws://localhost", consumer)], **options).generate()


@pytest.mark.parametrize("camelize", [False, True])
@pytest.mark.parametrize("discriminator", ["action", "kind"])
async def test_a_consumer_that_keeps_its_contract(
    base: Any, connect: Connect, contract: ContractChecker, camelize: bool, discriminator: str
) -> None:
    """Given every wire form, When frames of all kinds are sent, Then each of them is one that the document has."""
    consumer = chat(base, said)
    consumer = type("Chat", (consumer,), {
        "camelize": camelize, "discriminator_field": discriminator, "send_completion": True, "groups": ["all"],
    })  # fmt: skip
    client = await connect(consumer)
    for frame in (
        {"payload": "hello", discriminator: "say"},
        {"payload": 5, discriminator: "say"},
        {discriminator: "nonsense"},
        {**ROOM, discriminator: "subscribe"},
        {**ROOM, discriminator: "say", "payload": "hello", "ref": 1},
        {"topic": "nowhere", discriminator: "subscribe"},
        {**ROOM, discriminator: "unsubscribe"},
    ):
        await client.send(frame)
    frames = await client.frames(10)
    await client.consumer.broadcast_message(News(payload=Text(text_of="x")))
    frames += await client.frames(2)

    assert [frame[discriminator] for frame in frames].count("said") == 2
    assert contract.violations == []


@pytest.mark.parametrize(
    ("answer", "problem", "fix"),
    [
        (undeclared, "The message with the action 'undeclared' is not declared.", "output_type=…"),
        (wrong_type, "payload.text_of: 5 is not of type 'string'", "differ"),
        (missing_default, "payload: 'stars' is a required property", "differ"),
        (what_clients_send, "action 'say' is what clients send", "output_type=…"),
    ],
)
@pytest.mark.parametrize("where", ["consumer", "topic"])
async def test_a_violation(
    base: Any, connect: Connect, contract: ContractChecker, answer: Answer, problem: str, fix: str, where: str
) -> None:
    """Given a frame that is not declared so, When it is sent, Then it is told whose it is, what is wrong, and more."""
    client = await connect(chat(base, answer))
    if where == "topic":
        await client.send({**ROOM, "action": "subscribe"})
        await client.frame()
    await client.send(SAY if where == "consumer" else {**ROOM, **SAY})
    await client.frame()

    [violation] = contract.violations

    assert violation.sender == ("ChatConsumer" if where == "consumer" else "Room of ChatConsumer")
    assert problem in violation.problem
    assert fix in violation.fix
    assert f'"action":"{violation.tag}"' in violation.frame


async def test_frames_of_one_kind_are_told_once(base: Any, connect: Connect, contract: ContractChecker) -> None:
    client = await connect(chat(base, undeclared))
    for _ in range(3):
        await client.send(SAY)
        await client.frame()

    assert len(contract.violations) == 1


async def test_whatever_sends_is_seen(base: Any, connect: Connect, contract: ContractChecker) -> None:
    """Given text sent past all messages, When it is no frame of the document, Then it is found all the same."""
    client = await connect(chat(base, said))
    await client.consumer.send_text('{"action":"raw"}')
    await client.consumer.send(text_data='{"action":"by the framework"}')
    await client.consumer.base_send({"type": "websocket.send", "text": "[1]"})
    await client.consumer.send_message(Undeclared())

    assert [violation.tag for violation in contract.violations] == ["raw", "by the framework", "", "undeclared"]


async def test_what_cannot_be_checked_is_sent_all_the_same(
    base: Any, connect: Connect, contract: ContractChecker
) -> None:
    """Given frames that are no JSON, too deep or without a discriminator, When sent, Then the client gets each."""
    client = await connect(chat(base, said))
    texts = ["{", '{"action":"said","payload":' + '{"a":' * 60_000 + "1" + "}" * 60_001, '{"payload":1}']
    for text in texts:
        await client.consumer.send_text(text)

    assert [(await client.output())["text"] for _ in texts] == texts
    assert [violation.problem.partition(":")[0] for violation in contract.violations] == [
        "It cannot be checked",
        "It has no action, by which clients tell messages apart.",
    ]


async def test_connections_that_were_open_before(base: Any, connect: Connect) -> None:
    """Given an open connection, When a checker starts and stops, Then it sees what is sent in between, and no more."""
    client = await connect(chat(base, undeclared))
    await client.send(SAY)
    await client.frame()
    checker = ContractChecker()
    checker.start()
    checker.start()
    await client.send(SAY)
    await client.frame()
    seen = len(checker.violations)
    checker.stop()
    await client.send(SAY)

    assert (await client.frame())["action"] == "undeclared"
    assert seen == len(checker.violations) == 1
    assert "base_send" not in vars(Connection)


async def test_a_block_that_is_checked(base: Any, connect: Connect) -> None:
    client = await connect(chat(base, undeclared))

    async def talk(error: Exception | None) -> None:
        with ContractChecker():
            await client.send(SAY)
            await client.frame()
            if error:
                raise error

    with pytest.raises(ContractViolationError, match="ChatConsumer sent"):
        await talk(None)
    with pytest.raises(KeyError) as raised:
        await talk(KeyError())
    assert "ChatConsumer sent" in raised.value.__notes__[0]


@pytest.mark.parametrize("name", ["asyncapi.json", "asyncapi.yaml"])
async def test_a_document_that_was_published(base: Any, connect: Connect, tmp_path: Path, name: str) -> None:
    """Given the committed document, When a field has been added to it since, Then its absence in frames is found."""
    consumer = chat(base, said)
    content = document_of(consumer)
    schema = content["components"]["schemas"]["Text"]
    schema["properties"]["author"], schema["required"] = {"type": "string"}, [*schema["required"], "author"]
    path = tmp_path / name
    path.write_text(json.dumps(content) if name.endswith("json") else yaml.safe_dump(content))
    client = await connect(consumer)
    checker = ContractChecker(path)

    checker.start()
    await client.send(SAY)
    await client.frame()
    checker.stop()

    [violation] = checker.violations
    assert "'author' is a required property" in violation.problem
    assert str(path) in violation.fix


async def test_a_consumer_on_two_routes_of_the_published_document(base: Any, connect: Connect) -> None:
    """Given numbered channels, and camelCase keys, When frames are sent, Then a channel for each of them is found."""
    consumer = chat(base, said, camelize=True)
    routes = [RouteInfo(f"ws/{place}/", None, "ws://localhost", consumer) for place in ("a", "b")]
    document = AsyncAPIGenerator(routes, camelize=True).generate()
    client = await connect(consumer)

    with ContractChecker(document):
        await client.send(SAY)
        await client.send({**ROOM, "action": "subscribe"})
        await client.send({**ROOM, **SAY})
        await client.frames(3)


async def test_a_consumer_that_the_published_document_does_not_have(base: Any, connect: Connect) -> None:
    other = type("OtherConsumer", (chat(base, said),), {})
    client = await connect(chat(base, said))
    checker = ContractChecker(document_of(other))

    checker.start()
    await client.send(SAY)
    await client.frame()
    checker.stop()

    assert "no channel of ChatConsumer" in checker.violations[0].problem


def test_documents_that_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")

    with pytest.raises(DocumentError, match=r"broken\.json cannot be read"):
        ContractChecker(broken)
    with pytest.raises(DocumentError, match=r"missing\.json cannot be read"):
        ContractChecker(tmp_path / "missing.json")
    with pytest.raises(DocumentError, match="no AsyncAPI 3 document"):
        ContractChecker({})


def test_a_frame_by_itself(base: Any) -> None:
    checker, consumer = ContractChecker(), chat(base, said)

    assert checker.check_frame(consumer, '{"action":"said","payload":{"text_of":"x","stars":1}}') is None
    assert "text_of" in str(checker.check_frame(consumer, '{"action":"said","payload":{"textOf":"x","stars":1}}'))


def test_a_document_that_breaks_the_committed_one(base: Any) -> None:
    """Given the committed document, When the current one breaks clients, Then each such change is told, no other."""
    old = document_of(chat(base, said))
    new = json.loads(json.dumps(old))
    del new["components"]["schemas"]["Text"]["properties"]["stars"]
    new["components"]["schemas"]["Text"]["properties"]["more"] = {"type": "string"}

    assert_compatible(old, old)
    with pytest.raises(ContractViolationError) as raised:
        assert_compatible(old, new)
    assert "payload.stars: is gone" in str(raised.value)
    assert "payload.more" not in str(raised.value)
