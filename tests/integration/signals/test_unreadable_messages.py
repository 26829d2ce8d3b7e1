"""Messages that a worker cannot read: their jobs end, whatever is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
from kombu import Connection, Message

from tests.integration.signals import app
from tests.integration.signals.jobs import Jobs
from tests.integration.signals.stacks import on_both_brokers

SPOILED: dict[str, dict[str, Any]] = {
    "a body that is no JSON": {"body": b"\x00garbage"},
    "a content type that is not accepted": {"content_type": "application/x-python-serialize"},
    "an unknown content type": {"content_type": "application/x-nothing"},
    "a body that is not compressed as it says": {"headers": {"compression": "application/x-gzip"}},
}


@on_both_brokers
@pytest.mark.parametrize("spoiled", SPOILED.values(), ids=SPOILED)
def test_a_message_that_cannot_be_read(jobs: Jobs, key_prefix: str, spoiled: dict[str, Any]) -> None:
    # Given
    job = jobs.start(app.add, 2, 3, queue=key_prefix)
    spoil(jobs, key_prefix, **spoiled)

    # When
    jobs.consume(key_prefix)

    # Then
    log = jobs.ended(job)
    assert log.actions == ["job_queued", "job_failed"]
    assert jobs.run(app.add, 2, 3, queue=key_prefix).result == 5


def spoil(jobs: Jobs, queue: str, headers: dict[str, Any] | None = None, **changes: Any) -> None:
    """Puts the one message of the queue there again with something changed."""
    with Connection(jobs.app.conf.broker_url) as connection:
        channel: Any = connection.default_channel
        found: list[Message] = []

        def take() -> bool:
            message = channel.basic_get(queue, no_ack=True)
            if message is not None:
                found.append(message)
            return bool(found)

        jobs.wait_until(take, "the message")
        message = found[0]
        values: dict[str, Any] = {
            "body": message.body,
            "content_type": message.content_type,
            "content_encoding": message.content_encoding,
            **changes,
        }
        wanted = {"correlation_id", "reply_to", "priority", "delivery_mode"}
        properties: dict[str, Any] = {name: value for name, value in message.properties.items() if name in wanted}
        connection.Producer(channel).publish(
            routing_key=queue, headers={**message.headers, **(headers or {})}, **values, **properties
        )
