"""The whole way round: a consumer of random messages, its document, the client generated from that, and both talking.

message models ─> consumer ─> document ─> generated package ─> frames that the consumer takes ─> answers it reads
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.client_generator.generator import ClientGenerator
from chanx.core.decorators import ws_handler
from chanx.fast_channels.testing import WebsocketCommunicator
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage
from chanx.routing.discovery import RouteInfo
from tests.unit.client_generator.strategies import messages

PACKAGE = "generated_round_trip_client"


def consumer_of(asked: Any, answered: Any, key: str, *, camelize: bool) -> Any:
    """A consumer that answers what is asked with its ``answer``, takes answers too, and keeps what it gets."""

    class RandomConsumer(AsyncJsonWebsocketConsumer):
        discriminator_field = key
        send_completion = False
        taken: list[BaseMessage] = []
        answer: Any = None

        @ws_handler(input_type=asked, output_type=answered)
        async def ask(self, message: Any) -> Any:
            self.taken.append(message)
            return self.answer

        @ws_handler(input_type=answered)
        async def give_back(self, message: Any) -> None:
            self.taken.append(message)

    RandomConsumer.camelize = camelize
    return RandomConsumer


@contextmanager
def generated(document: Any) -> Iterator[Any]:
    """The client generated from the document, imported."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "document.json"
        path.write_text(json.dumps(document))
        ClientGenerator(path, Path(directory) / PACKAGE).generate()
        sys.path.insert(0, directory)
        importlib.invalidate_caches()
        try:
            yield importlib.import_module(f"{PACKAGE}.random")
        finally:
            sys.path.remove(directory)
            for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
                del sys.modules[name]


async def exchanged(consumer: Any, client: Any, frame: Any) -> tuple[Any, Any]:
    """Sends a client's message, and reads the answer as the client does; sends that back."""
    runtime = importlib.import_module(f"{PACKAGE}.base.messages")
    reader = runtime.MessageTypes(client.RandomClient.received, client.RandomClient.discriminator)
    asked = client.AskMessage.model_validate(frame)
    async with WebsocketCommunicator(consumer.as_asgi(), "/ws", consumer=consumer) as communicator:
        await communicator.send_json_to(runtime.frame_of(asked))
        answer = reader.read(await communicator.receive_json_from(timeout=20))
        returned = client.AnswerMessage.model_validate(runtime.frame_of(answer))
        await communicator.send_json_to(runtime.frame_of(returned))
        await communicator.send_json_to(runtime.frame_of(asked))
        await communicator.receive_json_from(timeout=20)  # after the message before it was handled
    return asked, answer


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data(), st.sampled_from(["action", "message_kind"]), st.booleans())
def test_what_a_generated_client_and_the_consumer_say_is_what_was_meant(
    data: st.DataObject, key: str, camelize: bool
) -> None:
    # Given a consumer of two random messages, and one of each
    ask, answer = data.draw(messages("ask")), data.draw(messages("answer"))
    asked = ask.type.model_validate(data.draw(ask.frames))
    answered = answer.type.model_validate(data.draw(answer.frames))
    consumer = consumer_of(ask.type, answer.type, key, camelize=camelize)
    consumer.answer = answered
    document = AsyncAPIGenerator([RouteInfo("/ws", None, "ws://localhost", consumer)]).generate()
    frame = json.loads(consumer().encode(asked))

    # When the generated client says the first, and gives back the second
    with generated(document) as client:
        sent, received = asyncio.run(exchanged(consumer, client, frame))

    # Then each was understood on both sides
    assert type(sent).__name__ == "AskMessage"
    assert type(received).__name__.startswith("AnswerMessage")
    assert consumer.taken == [asked, answered, asked]
