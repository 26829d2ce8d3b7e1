"""What is subscribed with and answered: a topic sees Python's names, the client of a camelizing consumer camelCase."""

from collections.abc import Hashable
from functools import lru_cache
from typing import Any, cast

from chanx.core.camelize_plan import Plan, renamed
from chanx.core.camelize_schema import plan_of
from chanx.core.field_names import Direction
from chanx.core.rekeying import decoded
from chanx.core.topic import Topic
from chanx.messages.topic import SubscribedMessage


def taken_payload(topic: type[Topic], payload: Any) -> Any:
    """The client's payload of ``subscribe`` in Python's names, as far as ``subscribe_payload_type`` tells them."""
    plan = _plan(cast(Hashable, topic), "in")
    return payload if plan is None else renamed(plan, payload)


def sent_payload(topic: type[Topic], payload: Any) -> Any:
    """The topic's payload of ``subscribed`` in camelCase, as far as ``subscribed_payload_type`` tells its names."""
    plan = _plan(cast(Hashable, topic), "out")
    if plan is None:
        return payload
    return renamed(plan, decoded(SubscribedMessage(payload=payload).model_dump_json())["payload"])


@lru_cache(maxsize=1024)
def _plan(topic: Any, direction: Direction) -> Plan | None:
    payload_type = topic.subscribe_payload_type if direction == "in" else topic.subscribed_payload_type
    # A fixed protocol has its names in every connection.
    return None if payload_type is None or topic.protocol is not None else plan_of(payload_type, direction)
