"""Which channel of which document a frame belongs to, and what is wrong with it there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from pydantic import ValidationError

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.asyncapi.sources import ChannelSource, channel_sources
from chanx.constants import ENVELOPE_FIELDS, ENVELOPE_VERSION
from chanx.core.camelize import decamelized
from chanx.core.handlers import SYSTEM_OUTPUTS
from chanx.core.topic import Topic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.errors import ChanxError
from chanx.messages.base import ACTION, BaseMessage, message_actions
from chanx.messages.outgoing import AuthenticationMessage
from chanx.messages.topic import SubscribedMessage, UnsubscribedMessage
from chanx.routing.discovery import DEFAULT_BASE_URL, RouteInfo
from chanx.testing.frame_schemas import ChannelFrames, DocumentFrames

_PLACE_FIELDS: Final = ("head", "rev")
_SYSTEM: Final[Mapping[str, type[BaseMessage]]] = {
    action: model for model in (*SYSTEM_OUTPUTS, AuthenticationMessage) for action in message_actions(model)
}
_TOPIC_SYSTEM: Final[Mapping[str, type[BaseMessage]]] = {
    **_SYSTEM,
    **{action: model for model in (SubscribedMessage, UnsubscribedMessage) for action in message_actions(model)},
}
_LONGEST: Final = 400

Consumer = type[ChanxWebsocketConsumerMixin[Any]]


@dataclass(frozen=True, slots=True)
class Violation:
    """A frame that the document does not have: who sent it (a consumer, or its topic), what is wrong, what to do."""

    sender: str
    frame: str
    problem: str
    fix: str
    tag: str = ""

    @property
    def kind(self) -> tuple[str, str, str]:
        """What is the same for frames that are wrong in the same way."""
        return self.sender, self.tag, self.problem.partition(":")[0]

    def __str__(self) -> str:
        return f"{self.sender} sent {self.frame}\n  {self.problem}\n  {self.fix}"


@dataclass(frozen=True, slots=True)
class _Frame:
    """A decoded frame without the keys of its envelope."""

    consumer: Consumer
    topic: type[Topic] | None
    content: Mapping[str, Any]
    text: str

    @property
    def sender(self) -> str:
        name = self.consumer.__name__
        return name if self.topic is None else f"{self.topic.__name__} of {name}"


class FrameChecks:
    """Checks frames against ``document``, or, if that is None, the one made from the class of their consumer.

    ``source``: the file that the document is from, for texts.
    """

    def __init__(self, document: DocumentFrames | None, source: str | None = None) -> None:
        self._document = document
        self._source = source
        self._channels: dict[tuple[Consumer, bool, str], dict[type[Topic] | None, list[ChannelFrames]]] = {}

    def violation(self, consumer: Consumer, text: str, *, camelize: bool) -> Violation | None:
        """What is wrong with the text of a frame, or None. Never raises: what cannot be checked is a violation too."""
        try:
            return self._violation(consumer, text, camelize=camelize)
        except RecursionError:  # hundreds of levels, which jsonschema cannot look into
            return None
        except Exception as error:  # what is raised here would be the consumer's failure to send
            problem = f"It cannot be checked: {error if isinstance(error, ChanxError) else repr(error)}"
            return Violation(consumer.__name__, _shortened(text), problem, "Make its document, and look what fails.")

    def _violation(self, consumer: Consumer, text: str, *, camelize: bool) -> Violation | None:
        content: Any = json.loads(text)
        if not isinstance(content, dict):
            return Violation(consumer.__name__, _shortened(text), "It is no JSON object.", "Send messages only.")
        whole = cast("dict[str, Any]", content)
        topic = _topic_of(consumer, whole)
        frame = _Frame(consumer, topic, _message(topic, whole), _shortened(text))
        tag = str(whole.get(consumer.wire_discriminator(), ""))
        problem = None if topic is None else _envelope_problem(whole)
        if problem is not None:
            fix = "Send it by the methods of Topic, which write these keys."
            return Violation(frame.sender, frame.text, problem, fix, tag)
        found: list[tuple[str, str]] = []
        for channel in self._channels_of(consumer, camelize=camelize).get(topic, ()):
            problem = channel.problem(tag, frame.content) if channel.declares(tag) else None
            if channel.declares(tag) and problem is None:
                return None
            found.append((problem, _FIX_MESSAGE) if problem else self._undeclared(frame, channel, tag))
        if _is_system(frame, tag, camelize=camelize):
            return None
        problem, fix = found[0] if found else self._no_channel(frame)
        return Violation(frame.sender, frame.text, problem, self._fix(fix), tag)

    def _undeclared(self, frame: _Frame, channel: ChannelFrames, tag: str) -> tuple[str, str]:
        owner = frame.topic or frame.consumer
        key = channel.channel.discriminator
        if channel.takes_only(tag):
            return f"{key} {tag!r} is what clients send: the document does not say that they get it.", _declare(owner)
        if not tag:
            return f"It has no {key}, by which clients tell messages apart.", "Send messages only."
        return f"The message with the {key} {tag!r} is not declared.", _declare(owner)

    def _no_channel(self, frame: _Frame) -> tuple[str, str]:
        if self._document is not None:
            return f"The document has no channel of {frame.sender}.", "Is it on a route?"
        return (
            f"{frame.sender} is not in the document: a consumer that has topics is there only if it handles messages.",
            "Give it a @ws_handler, or send this on a topic.",
        )

    def _fix(self, fix: str) -> str:
        if self._document is None:
            return fix
        return f"{fix} If the change is meant, write {self._source or 'the document'} anew."

    def _channels_of(self, consumer: Consumer, *, camelize: bool) -> dict[type[Topic] | None, list[ChannelFrames]]:
        key = (consumer, camelize, consumer.wire_discriminator())
        if key not in self._channels:
            route = RouteInfo("", None, DEFAULT_BASE_URL, consumer)
            document = self._document
            if document is None:
                document = DocumentFrames(AsyncAPIGenerator([route], camelize=camelize).generate())
            found: dict[type[Topic] | None, list[ChannelFrames]] = {}
            for source in channel_sources([route], camelize=camelize):
                found.setdefault(source.topic, []).extend(_channels_in(document, source))
            self._channels[key] = found
        return self._channels[key]


def _channels_in(document: DocumentFrames, source: ChannelSource) -> Iterator[ChannelFrames]:
    """The channels that may be the source's: a consumer on several routes has several, which are numbered."""
    name = re.escape(source.topic_name)
    host = re.escape(source.title.removesuffix(f"_{source.topic_name}"))
    pattern = rf"{host}(_\d+)?_{name}" if source.is_hosted else rf"{name}(_\d+)?"
    return (channel for _, channel in document.items() if re.fullmatch(pattern, channel.title))


def _topic_of(consumer: Consumer, frame: Mapping[str, Any]) -> type[Topic] | None:
    name = frame.get("topic")
    if isinstance(name, str):
        for topic in (*consumer.topics, consumer.default_topic):
            if topic is not None and topic.parse(name) is not None:
                return topic
    return None


def _message(topic: type[Topic] | None, frame: Mapping[str, Any]) -> dict[str, Any]:
    if topic is None:
        return dict(frame)
    around = (*ENVELOPE_FIELDS, *_PLACE_FIELDS) if topic.protocol is not None else ENVELOPE_FIELDS
    return {key: value for key, value in frame.items() if key not in around}


def _envelope_problem(frame: Mapping[str, Any]) -> str | None:
    if frame.get("version") != ENVELOPE_VERSION:
        return f"version: a topic's frame has {ENVELOPE_VERSION} there, and this {frame.get('version')!r}."
    for key in ("seq", *_PLACE_FIELDS):
        value = frame.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            return f"{key}: a topic's frame has a whole number there, and this {value!r}."
    return None


def _is_system(frame: _Frame, tag: str, *, camelize: bool) -> bool:
    """Whether it is a message of chanx itself, which every client knows, and in the form it knows."""
    has_topics = bool(frame.consumer.topics or frame.consumer.default_topic)
    model = (_TOPIC_SYSTEM if has_topics else _SYSTEM).get(tag)
    if model is None:
        return False
    key = frame.consumer.wire_discriminator()
    content = decamelized(model, dict(frame.content), key) if camelize else frame.content
    try:
        model.model_validate({**content, ACTION: tag}, strict=False)
    except ValidationError:
        return False
    return True


def _declare(owner: type) -> str:
    if owner.__module__.startswith("chanx."):
        return f"Declare its type in a class of your own that extends {owner.__name__} and has `sends = […]`."
    return f"Declare its type: output_type=… of the handler that sends it, or `sends = […]` of {owner.__name__}."


_FIX_MESSAGE: Final = "What is sent and what its type declares differ: correct either of them."


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
