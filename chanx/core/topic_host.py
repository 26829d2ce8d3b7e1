"""A consumer's side of topics: telling their frames and events from the consumer's own."""

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic_core import from_json

from chanx.core.envelope import is_topic_frame, may_be_topic_frame
from chanx.core.events import Eventful, ReceiveEvent
from chanx.core.topic import Topic
from chanx.core.topic_session import TopicSession


class TopicHost(Eventful[ReceiveEvent]):
    """The part of a consumer that carries topics beside its own messages.

    ``topics``: the topic classes a client may subscribe to; ``max_topics``: how many subscriptions at a time.
    """

    topics: Sequence[type[Topic]] = ()
    max_topics: int = 100

    _has_topics: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for topic in cls.topics:
            if not _is_topic(topic):
                raise TypeError(f"{cls.__name__}.topics: {topic!r} must be a Topic subclass with a pattern.")
        cls._has_topics = bool(cls.topics)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.topic_session = TopicSession(self, self.topics, self.max_topics)

    async def handle_topic_event(self, message: dict[str, Any]) -> None:
        """Take a message of a topic's group from the channel layer."""
        await self.topic_session.receive_event(message)

    def topic_frame(self, text: str) -> dict[str, Any] | None:
        """The decoded content of a frame that is addressed to a topic, else None."""
        if not (self._has_topics and may_be_topic_frame(text)):
            return None
        try:
            content = from_json(text)
        except ValueError:
            return None
        return content if is_topic_frame(content) else None


def _is_topic(candidate: Any) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, Topic) and hasattr(candidate, "pattern")
