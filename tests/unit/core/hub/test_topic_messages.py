"""A topic whose ``receive_event`` is the user's has the message to itself, as each connection had one of its own."""

from typing import Any

from chanx.core.decorators import event_handler
from chanx.core.topic import Topic
from tests.unit.conftest import Connect
from tests.unit.core.hub.consumers import Say, obedient


class Signed(Topic):
    """Adds to each event who it is for."""

    pattern = "signed:{id}"

    async def receive_event(self, message: dict[str, Any]) -> None:
        message["event_data"]["payload"].append(self.scope["path"])
        await super().receive_event(message)

    @event_handler(input_type=Say)
    async def say(self, event: Say) -> Say:
        return event


async def test_what_a_topic_writes_into_a_message_reaches_nobody_else(base: Any, layer: Any, connect: Connect) -> None:
    consumer = obedient(base, topics=[Signed])
    clients = [await connect(consumer, path=path) for path in ("/one/", "/two/")]
    for client in clients:
        await client.send({"topic": "signed:1", "action": "subscribe"})
        await client.frame()
    event = Say(payload=[]).model_dump(mode="json")

    await layer.group_send(
        Signed.group_name("signed:1"), {"type": "handle_topic_event", "topic": "signed:1", "event_data": event}
    )

    assert [(await client.frame())["payload"] for client in clients] == [["/one/"], ["/two/"]]
