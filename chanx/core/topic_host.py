"""A consumer's side of topics: telling their frames and events from the consumer's own."""

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from pydantic import ValidationError
from pydantic_core import from_json

from chanx.core.channel_layer import configured
from chanx.core.envelope import Envelope, is_topic_frame, may_be_topic_frame
from chanx.core.events import Eventful, ReceiveEvent
from chanx.core.sending import json_text
from chanx.core.sign_out import SIGN_OUT_MESSAGE, sign_out_group
from chanx.core.topic import Topic
from chanx.core.topic_session import TopicSession
from chanx.utils.scope import path_params


class TopicHost(Eventful[ReceiveEvent]):
    """The part of a consumer that carries topics beside its own messages.

    ``topics``: the topic classes a client may subscribe to; ``max_topics``: how many subscriptions at a time.
    ``default_topic``: the topic of a dedicated route; its name comes from the URL, it opens on connecting, and a frame
    that names no topic is addressed to it, unless the consumer has a handler for it.
    """

    topics: Sequence[type[Topic]] = ()
    default_topic: type[Topic] | None = None
    max_topics: int = 100

    _has_topics: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for topic in cls.topics:
            if not _is_topic(topic):
                raise TypeError(f"{cls.__name__}.topics: {topic!r} must be a Topic subclass with a pattern.")
        if cls.default_topic is not None and not _is_topic(cls.default_topic):
            raise TypeError(
                f"{cls.__name__}.default_topic: {cls.default_topic!r} must be a Topic subclass with a pattern."
            )
        cls._has_topics = bool(cls.topics) or cls.default_topic is not None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.topic_session = TopicSession(self, self.topics, self.max_topics)

    async def handle_topic_event(self, message: dict[str, Any]) -> None:
        """Take a message of a topic's group from the channel layer."""
        await self.topic_session.receive_event(message)

    async def handle_sign_out(self, message: dict[str, Any]) -> None:
        """Take word from the channel layer that the client's session has ended: its topics are asked again."""
        self.is_signed_out = True
        self.set_user(self.signed_out_user())
        self.topic_session.reauthorization.at_once()

    @classmethod
    async def announce_sign_out(cls, sign_in_key: str) -> None:
        """Tell the connections of a session that its client has signed out. Django's logout does it by itself.

        Elsewhere call it where the project signs a user out, with what ``sign_in_key`` is on its connections.
        """
        layer = configured(cls.find_channel_layer(), cls.channel_layer_alias)
        await layer.group_send(sign_out_group(sign_in_key), dict(SIGN_OUT_MESSAGE))

    def find_default_topic(self) -> None:
        """Let the URL name the default topic, if there is one.

        Raises ``InvalidNameError`` (a ``ValueError``) if the route lacks one of its parameters.
        """
        if self.default_topic is not None:
            self.topic_session.dedicate(self.default_topic, path_params(self.scope))

    def opening_frame(self) -> str | None:
        """The frame that opens the default topic, as if the client had sent it; None without one."""
        topic = self.topic_session.default
        return None if topic is None else json_text({"topic": topic, self.discriminator: "subscribe"})

    async def receive_topic_text(self, text: str) -> None:
        """Handle a frame that is addressed to a topic: decoded only now, as that takes many times the text's memory."""
        frame = self.topic_frame(text)
        if frame is not None:
            await self.topic_session.receive(frame)

    def topic_frame(self, text: str) -> dict[str, Any] | None:
        """The decoded content of a frame that is addressed to a topic, else None."""
        if not self._has_topics:
            return None
        default = self.topic_session.default
        if default is None and not may_be_topic_frame(text):
            return None
        try:
            content = from_json(text)
        except ValueError:
            return None
        if not isinstance(content, dict):
            return None
        frame = cast("dict[str, Any]", content)
        if is_topic_frame(frame):
            return frame
        if default is None or self._takes(frame.get(self.discriminator)):
            return None
        return {**frame, "topic": default}

    async def receive_without_handlers(self, data: str | bytes) -> None:
        """Answer what is no JSON object; where there is a default topic every object is addressed to it."""
        if self.default_topic is None:
            await super().receive_without_handlers(data)
            return
        try:
            Envelope.model_validate_json(data)
        except ValidationError as error:
            await self.handle_validation_error(error)

    def _takes(self, action: Any) -> bool:
        return isinstance(action, str) and action in self.handler_table.messages


def _is_topic(candidate: Any) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, Topic) and hasattr(candidate, "pattern")
