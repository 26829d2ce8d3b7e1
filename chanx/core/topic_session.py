"""The topics of one connection: opening and closing them, and handing frames and events to the right one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any, Final

from pydantic import ValidationError

from chanx.core.adapters import error_list
from chanx.core.envelope import Envelope, enveloped, message_part
from chanx.core.failures import log_failure
from chanx.core.hub.shared_message import SharedMessage
from chanx.core.reauthorization import Reauthorization
from chanx.core.refusal import TopicRefused, refusal_message
from chanx.core.sending import Sending
from chanx.core.stray_cancellation import stray_cancellation_fails
from chanx.core.topic import Topic
from chanx.core.topic_payloads import sent_payload, taken_payload
from chanx.messages.base import BaseMessage
from chanx.messages.outgoing import ErrorMessage
from chanx.messages.topic import SubscribedMessage, UnsubscribedMessage

UNKNOWN_TOPIC: Final = "unknown_topic"
UNAUTHORIZED: Final = "unauthorized"
NOT_SUBSCRIBED: Final = "not_subscribed"
TOO_MANY_TOPICS: Final = "too_many_topics"
FAILED: Final = "failed"


class TopicSession:
    """At most ``limit`` subscriptions of one connection, by topic.

    ``receive`` is called with one topic frame after the other, in order; ``receive_event`` and ``close`` at any time.

    ``default`` is the name of a dedicated connection's topic: where that cannot be opened, the connection is closed.
    """

    def __init__(self, consumer: Sending, types: Sequence[type[Topic]], limit: int) -> None:
        self._consumer = consumer
        self._types = types
        self._limit = limit
        self._topics: dict[str, Topic] = {}
        self._addressed: dict[str, list[Topic]] = {}
        self._begun: frozenset[str] = frozenset()
        self._turn = asyncio.Lock()
        self._reauthorization: Reauthorization | None = None
        self.default: str | None = None
        self._dedicated: dict[str, type[Topic]] = {}

    @property
    def has_topics(self) -> bool:
        """Whether any topic is open, or being opened."""
        return bool(self._topics)

    @property
    def reauthorization(self) -> Reauthorization:
        """What asks the topics again, which most connections have no use for."""
        if self._reauthorization is None:
            self._reauthorization = Reauthorization(self._consumer, self._ask_again, self._seconds_to_ask_again)
        return self._reauthorization

    def dedicate(self, topic_type: type[Topic], url_params: Mapping[str, object]) -> None:
        """Make the topic that the URL names the default. Raises ``InvalidNameError`` if a parameter is missing."""
        self.default = name = topic_type.topic_of(url_params)
        found = topic_type.parse(name)
        # A value that does not fit, such as one with a colon, must not name another topic.
        if found is not None and found == {key: str(url_params[key]) for key in found}:
            self._dedicated = {name: topic_type}

    async def receive(self, content: dict[str, Any]) -> None:
        """Handle a topic frame, none once the connection is closed; a refusal or failure is answered with an error."""
        if self._consumer.is_closed:
            return
        try:
            envelope = Envelope.model_validate(content)
        except ValidationError as error:
            problem = ErrorMessage(payload=error_list(error))
            await self._consumer.send_encoded(self._consumer.encode(problem), problem.action)
            return
        try:
            with stray_cancellation_fails("A hook of the topic"):
                await self._route(envelope, message_part(content))
            return
        except TopicRefused as refused:
            answer = refusal_message(refused)
        except Exception as error:
            action = content.get(self._consumer.discriminator)
            log_failure("topic_frame_failed", error, topic=envelope.topic, action=action)
            answer = refusal_message(TopicRefused(FAILED, f"Failed to process message for {action}"))
        await self._reply(envelope, answer)
        if content.get(self._consumer.discriminator) == "subscribe" and envelope.topic == self.default:
            await self._consumer.close()

    async def receive_event(self, message: dict[str, Any]) -> None:
        """Hand a message of a topic's group to that topic, or those; one that is not open here is dropped."""
        for topic in list(self._addressed.get(message.get("topic", ""), ())):
            await topic.receive_event(_as_taken_by(topic, message))

    def only_topic_of(self, message: Mapping[str, Any]) -> Topic | None:
        """The topic that a message is for; None if it is for none that is open here, or for several."""
        topics = self._addressed.get(message.get("topic", ""), ())
        return topics[0] if len(topics) == 1 else None

    def can_miss(self, message: Mapping[str, Any]) -> bool:
        """Whether a message may be dropped, as it is for topics only that ``can_miss`` it."""
        is_topics = message.get("type") == "handle_topic_event"
        return is_topics and all(topic.can_miss(message) for topic in self._addressed.get(message.get("topic", ""), ()))

    async def close(self) -> None:
        """End every topic, once the connection has left all its groups."""
        for topic in list(self._topics.values()):
            await self._end(topic)

    async def refuse(self, topic: Topic, why: Callable[[], Awaitable[TopicRefused | None]]) -> None:
        """End a subscription that may not go on, and tell the client; ``why`` is asked while nothing else ends it."""
        async with self._turn:
            if self._topics.get(topic.topic) is not topic or (refused := await why()) is None:
                return
            await self._leave(topic)
        await self._reply(Envelope(topic=topic.topic), refusal_message(refused))
        if topic.topic == self.default:
            await self._consumer.close()

    async def _route(self, envelope: Envelope, content: dict[str, Any]) -> None:
        match content.get(self._consumer.discriminator):
            case "subscribe":
                async with self._turn:
                    await self._subscribe(envelope, content.get("payload"))
            case "unsubscribe":
                async with self._turn:
                    await self._unsubscribe(envelope)
            case _:
                topic = self._topics.get(envelope.topic)
                if topic is None:
                    self._new_topic(envelope.topic)
                    raise TopicRefused(NOT_SUBSCRIBED, f"You are not subscribed to {envelope.topic!r}.")
                await topic.receive_frame(content, envelope.ref)

    async def _subscribe(self, envelope: Envelope, payload: Any) -> None:
        self._log_received("subscribe", envelope)
        known = self._topics.get(envelope.topic)
        topic = known or self._new_topic(envelope.topic)
        if known is None and len(self._topics) >= self._limit:
            raise TopicRefused(TOO_MANY_TOPICS, f"A connection can have {self._limit} topics: unsubscribe from one.")
        camelize = self._consumer.should_camelize
        payload = taken_payload(type(topic), payload) if camelize else payload
        topic.subscribe_payload = payload
        try:
            with stray_cancellation_fails("A hook of the topic"):
                if not await topic.authorize(**topic.params):
                    raise TopicRefused(UNAUTHORIZED, f"You may not subscribe to {envelope.topic!r}.")
                if known is None:
                    await self._join(topic)
                answer = await topic.subscribed_payload(payload)
                answer = sent_payload(type(topic), answer) if camelize else answer
                await self._reply(envelope, SubscribedMessage(payload=answer))
        except Exception:
            # Whoever is refused again, or cannot be asked about, does not go on listening.
            await self._leave(topic)
            raise
        if self._consumer.is_closed:
            return
        if known is not None:
            await topic.on_resubscribe()
            return
        await topic.release_events()
        self._begun |= {topic.topic}
        await topic.on_subscribe()
        if topic.reauthorize_seconds is not None:
            self.reauthorization.start()

    async def _unsubscribe(self, envelope: Envelope) -> None:
        self._log_received("unsubscribe", envelope)
        topic = self._topics.get(envelope.topic) or self._new_topic(envelope.topic)
        await self._leave(topic)
        await self._reply(envelope, UnsubscribedMessage())

    def _seconds_to_ask_again(self) -> float | None:
        intervals = (topic.reauthorize_seconds for topic in self._topics.values())
        return min((seconds for seconds in intervals if seconds is not None), default=None)

    async def _ask_again(self) -> None:
        for topic in list(self._topics.values()):
            if topic.reauthorize_seconds is not None:
                await self.refuse(topic, partial(_refusal, topic))

    def _log_received(self, action: str, envelope: Envelope) -> None:
        if envelope.topic != self.default:  # that one is opened by the connection, no frame asks for it
            self._consumer.log_frame("Websocket received", action)

    def _new_topic(self, name: str) -> Topic:
        dedicated = self._dedicated.get(name)
        for topic_type in self._types if dedicated is None else (dedicated,):
            params = topic_type.parse(name)
            if params is not None:
                return topic_type(self._consumer, name, params)
        raise TopicRefused(UNKNOWN_TOPIC, "There is no such topic here.")

    async def _join(self, topic: Topic) -> None:
        self._topics[topic.topic] = topic  # before joining, so that no event of the group is missed
        self._addressed.setdefault(topic.event_topic, []).append(topic)
        layer = self._consumer.channel_layer
        if layer is not None:
            await layer.group_add(topic.group, self._consumer.channel_name)

    async def _leave(self, topic: Topic) -> None:
        if topic.topic not in self._topics:
            return
        layer, group = self._consumer.channel_layer, topic.group
        # Two topics may share a group, as its name holds fewer characters.
        shared = any(other.group == group for name, other in self._topics.items() if name != topic.topic)
        try:
            if layer is not None and not shared:
                await layer.group_discard(group, self._consumer.channel_name)
        except Exception as error:
            log_failure("group_discard_failed", error, topic=topic.topic)
        # Not before: a connection may end in the middle of this, and then ends the topics that are still here.
        await self._end(topic)

    async def _end(self, topic: Topic) -> None:
        if self._topics.pop(topic.topic, None) is not None:
            self._addressed[topic.event_topic].remove(topic)
            if not self._addressed[topic.event_topic]:
                del self._addressed[topic.event_topic]
        if not self._topics and self._reauthorization is not None:
            self._reauthorization.stop()
        if topic.topic in self._begun:
            self._begun -= {topic.topic}
            try:
                with stray_cancellation_fails("on_unsubscribe()"):
                    await topic.on_unsubscribe()
            except Exception as error:
                log_failure("on_unsubscribe_failed", error, topic=topic.topic)

    async def _reply(self, envelope: Envelope, message: BaseMessage) -> None:
        text = enveloped(self._consumer.encode(message), envelope.topic, ref=envelope.ref)
        await self._consumer.send_encoded(text, message.action)


def _as_taken_by(topic: Topic, message: dict[str, Any]) -> dict[str, Any]:
    """The message; a copy of one that connections share, where a method of the user's takes it and may change it."""
    if not isinstance(message, SharedMessage):
        return message
    function = getattr(topic.receive_event, "__func__", None)
    module: object = getattr(function, "__globals__", {}).get("__name__")
    return message if isinstance(module, str) and module.startswith("chanx.") else deepcopy(dict(message))


async def _refusal(topic: Topic) -> TopicRefused | None:
    """Why a subscription may not go on; None if it may."""
    try:
        with stray_cancellation_fails("reauthorize()"):
            allowed = await topic.reauthorize()
    except TopicRefused as refused:
        return refused
    except Exception as error:
        log_failure("reauthorization_failed", error, topic=topic.topic)
        return TopicRefused(FAILED, "Whether you may go on could not be found out")
    return None if allowed else TopicRefused(UNAUTHORIZED, f"You may no longer be subscribed to {topic.topic!r}.")
