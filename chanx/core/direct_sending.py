"""Sending what a message of the channel layer is to many clients as one ready frame, where it is nothing more to them.

That is so for passthrough events and broadcasts, of consumers and topics that have overridden nothing on the way.
"""

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from types import CoroutineType
from typing import Any, Final

from chanx.core.events import ReceiveEvent
from chanx.core.frame_counts import SENT
from chanx.core.handlers import is_passed_through
from chanx.core.hub.shared_message import SharedMessage
from chanx.core.own_methods import has_own, is_replaced, replaces
from chanx.core.sending import Sending
from chanx.core.topic import Topic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.base import BaseMessage
from chanx.messages.outgoing import EventCompleteMessage, GroupCompleteMessage
from chanx.telemetry import OBSERVERS

SENDING_HOOKS: Final = ("dispatch", "encode", "encode_content", "log_frame", "send_encoded", "send_json", "send_text")
EVENT_HOOKS: Final = (*SENDING_HOOKS, "handle_channel_event", "receive_event", "send_last", "send_message")
BROADCAST_HOOKS: Final = (*SENDING_HOOKS, "handle_group_message", "send_last")
HOST_HOOKS: Final = (*SENDING_HOOKS, "handle_topic_event")
TOPIC_HOOKS: Final = ("frame", "receive_event", "send_last", "send_message", "send_text")

_EVENT_COMPLETE = EventCompleteMessage()
_GROUP_COMPLETE = GroupCompleteMessage()


class _Frame:
    """A message's frame, as some clients get it; where completions are on one follows.

    ``handler``: the method that would have made it, if it has one. ``is_logged``: one entry was made for all.
    """

    __slots__ = ("action", "completion", "handler", "is_logged", "text")

    def __init__(self, text: str, action: Any, handler: str | None = None) -> None:
        self.text = text
        self.action = action
        self.handler = handler
        self.completion: str | None = None
        self.is_logged = False


class DirectSending(ChanxWebsocketConsumerMixin[ReceiveEvent]):
    """The part of a consumer that the hub asks for such a frame; ``dispatch`` takes the messages that are none."""

    def send_direct(self, message: SharedMessage) -> Coroutine[Any, Any, None] | None:
        """The sending of the message's frame to this client; None if it has to be dispatched."""
        hooks: tuple[str, ...]
        complete: BaseMessage
        match message.get("type"):
            case "handle_channel_event":
                hooks, make, complete = EVENT_HOOKS, self._passing_event, _EVENT_COMPLETE
            case "handle_group_message":
                if self.is_broadcasting or message.get("exclude") == self.channel_name:
                    return None
                hooks, make, complete = BROADCAST_HOOKS, self._passing_broadcast, _GROUP_COMPLETE
            case "handle_topic_event":
                return self._send_to_topic(message)
            case _:
                return None
        completes = self.should_send_completion
        if replaces(self, hooks) or (completes and is_replaced(self.send_message, Sending.send_message)):
            return None
        key = (type(self), self.discriminator, self.should_camelize, completes)
        try:
            frame = message.work[key]
        except KeyError:
            frame = message.work[key] = _made(message, make, partial(self.encode, complete) if completes else None)
        return self._sending(message, frame, self)

    def can_miss(self, message: SharedMessage) -> bool:
        """Whether a message may be dropped, as it is for topics only that ``can_miss`` it."""
        return self.topic_session.can_miss(message)

    def _sending(self, message: SharedMessage, frame: _Frame | None, owner: object) -> Coroutine[Any, Any, None] | None:
        if frame is None or frame.handler in vars(owner):
            return None
        if self.logs_frames and not frame.is_logged and self.is_logged(frame.action):
            frame.is_logged = True
            clients = {"clients": message.members} if message.members > 1 else {}
            self.log_frame("Websocket sent", frame.action, **clients)
        if OBSERVERS:
            SENT.add(self, 1 if frame.completion is None else 2)
        if frame.completion is not None:
            return self._sending_both(frame.text, frame.completion)
        sending: Any = self.base_send({"type": "websocket.send", "text": frame.text})
        if type(sending) is not CoroutineType:
            return _awaited(sending)
        return sending  # pyright: ignore[reportUnknownVariableType] -- ASGI servers have coroutine functions

    async def _sending_both(self, text: str, completion: str) -> None:
        await self.base_send({"type": "websocket.send", "text": text})
        if not self.is_closed:
            await self.base_send({"type": "websocket.send", "text": completion})

    def _passing_event(self, message: SharedMessage) -> _Frame | None:
        if not has_own(type(self), EVENT_HOOKS):
            return None
        event = self.validated_event(message)
        if not isinstance(event, BaseMessage) or (name := _passing_method(self, event)) is None:
            return None
        return _Frame(self.encode(event), self.handler_table.tag_of(event), name)

    def _passing_broadcast(self, message: SharedMessage) -> _Frame | None:
        if not has_own(type(self), BROADCAST_HOOKS):
            return None
        content, text = self.broadcast_content(message)
        return _Frame(text, content.get(self.discriminator))

    def _send_to_topic(self, message: SharedMessage) -> Coroutine[Any, Any, None] | None:
        topic = self.topic_session.only_topic_of(message)
        if topic is None or topic.is_held or replaces(self, HOST_HOOKS) or replaces(topic, TOPIC_HOOKS):
            return None
        completes = topic.should_send_completion
        key = (type(self), type(topic), topic.topic, self.discriminator, self.should_camelize, completes)
        try:
            frame = message.work[key]
        except KeyError:
            complete = partial(topic.frame, _EVENT_COMPLETE) if completes else None
            frame = message.work[key] = _made(message, partial(self._passing_to, topic), complete)
        return self._sending(message, frame, topic)

    def _passing_to(self, topic: Topic, message: SharedMessage) -> _Frame | None:
        if not (has_own(type(self), HOST_HOOKS) and has_own(type(topic), TOPIC_HOOKS)):
            return None
        event = topic.validated_event(message)
        if not isinstance(event, BaseMessage) or (name := _passing_method(topic, event)) is None:
            return None
        return _Frame(topic.frame(event, seq=message.get("seq")), topic.handler_table.tag_of(event), name)


def _made(
    message: SharedMessage, make: Callable[[SharedMessage], _Frame | None], complete: Callable[[], str] | None
) -> _Frame | None:
    try:
        frame = make(message)
        if frame is not None and complete is not None:
            frame.completion = complete()
        return frame
    except Exception:  # to be met again, and logged, where the message is dispatched
        return None


async def _awaited(sending: Awaitable[None]) -> None:
    await sending


def _passing_method(owner: DirectSending[Any] | Topic, event: BaseMessage) -> str | None:
    """The name of the method that sends an event on as it is; None if the class has another for it."""
    handler = owner.handler_table.event_handler(event)
    return handler.name if is_passed_through(type(owner), handler) else None
