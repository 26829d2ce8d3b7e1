"""Sending what a message of the channel layer is to many clients as one ready frame, where it is nothing more to them.

That is so for passthrough events and broadcasts, of consumers and topics that have overridden nothing on the way.
"""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from types import CoroutineType
from typing import Any, Final

from chanx.core.events import ReceiveEvent
from chanx.core.handlers import is_passed_through
from chanx.core.hub.shared_message import SharedMessage
from chanx.core.topic import Topic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.base import BaseMessage
from chanx.messages.outgoing import EventCompleteMessage, GroupCompleteMessage

SENDING_HOOKS: Final = ("dispatch", "encode", "encode_content", "log_frame", "send_encoded", "send_json", "send_text")
EVENT_HOOKS: Final = (*SENDING_HOOKS, "handle_channel_event", "receive_event", "send_last", "send_message")
BROADCAST_HOOKS: Final = (*SENDING_HOOKS, "handle_group_message", "send_last")
HOST_HOOKS: Final = (*SENDING_HOOKS, "handle_topic_event")
TOPIC_HOOKS: Final = ("receive_event", "send_last", "send_message", "send_text")

_EVENT_COMPLETE = EventCompleteMessage()
_GROUP_COMPLETE = GroupCompleteMessage()

_Texts = tuple[str, str | None]  # a frame, and the completion that follows it, where completions are on
_Passing = tuple[str, Any] | None  # a frame's text and its action; None where a message is to be dispatched


class DirectSending(ChanxWebsocketConsumerMixin[ReceiveEvent]):
    """The part of a consumer that the hub asks for such a frame; ``dispatch`` takes the messages that are none."""

    def send_direct(self, message: SharedMessage) -> Coroutine[Any, Any, None] | None:
        """The sending of the message's frame to this client; None if it has to be dispatched."""
        complete: BaseMessage = _EVENT_COMPLETE
        match message.get("type"):
            case "handle_channel_event":
                make = self._passing_event
            case "handle_group_message":
                if self.is_broadcasting or message.get("exclude") == self.channel_name:
                    return None
                make, complete = self._passing_broadcast, _GROUP_COMPLETE
            case "handle_topic_event":
                return self._send_to_topic(message)
            case _:
                return None
        completes = self.should_send_completion
        if completes and self._own_send_message:
            return None
        key = (type(self), self.discriminator, self.should_camelize, completes)
        try:
            texts = message.work[key]
        except KeyError:
            texts = message.work[key] = self._made(message, make, partial(self.encode, complete) if completes else None)
        return None if texts is None else self._sending(texts)

    def recovers(self, message: SharedMessage) -> bool:
        """Whether a message is for topics only that find out by themselves what they miss."""
        return self.topic_session.recovers(message)

    def _sending(self, texts: _Texts) -> Coroutine[Any, Any, None]:
        text, completion = texts
        if completion is not None:
            return self._sending_both(text, completion)
        sending: Any = self.base_send({"type": "websocket.send", "text": text})
        if type(sending) is not CoroutineType:
            return _awaited(sending)
        return sending  # pyright: ignore[reportUnknownVariableType] -- ASGI servers have coroutine functions

    async def _sending_both(self, text: str, completion: str) -> None:
        await self.base_send({"type": "websocket.send", "text": text})
        if not self.is_closed:
            await self.base_send({"type": "websocket.send", "text": completion})

    def _made(
        self,
        message: SharedMessage,
        make: Callable[[SharedMessage], _Passing],
        completion: Callable[[], str] | None,
    ) -> _Texts | None:
        """The frame's text and its completion's, with one log entry for all who get it."""
        try:
            passing = make(message)
            if passing is None:
                return None
            text, action = passing
            texts = text, None if completion is None else completion()
            if self.logs_frames:
                clients = {"clients": message.members} if message.members > 1 else {}
                self.log_frame("Websocket sent", action, **clients)
            return texts
        except Exception:  # to be met again, and logged, where the message is dispatched
            return None

    def _passing_event(self, message: SharedMessage) -> _Passing:
        if not _has_own(type(self), EVENT_HOOKS):
            return None
        event = self.validated_event(message)
        if not isinstance(event, BaseMessage) or not _passes(self, event):
            return None
        return self.encode(event), self.handler_table.tag_of(event)

    def _passing_broadcast(self, message: SharedMessage) -> _Passing:
        if not _has_own(type(self), BROADCAST_HOOKS):
            return None
        content, text = self.broadcast_content(message)
        return text, content.get(self.discriminator)

    def _send_to_topic(self, message: SharedMessage) -> Coroutine[Any, Any, None] | None:
        topic = self.topic_session.only_topic_of(message)
        if topic is None or topic.is_held:
            return None
        completes = topic.should_send_completion
        key = (type(self), type(topic), topic.topic, self.discriminator, self.should_camelize, completes)
        try:
            texts = message.work[key]
        except KeyError:
            completion = partial(topic.frame, _EVENT_COMPLETE) if completes else None
            texts = message.work[key] = self._made(message, partial(self._passing_to, topic), completion)
        return None if texts is None else self._sending(texts)

    def _passing_to(self, topic: Topic, message: SharedMessage) -> _Passing:
        if not (_has_own(type(self), HOST_HOOKS) and _has_own(type(topic), TOPIC_HOOKS)):
            return None
        event = topic.validated_event(message)
        if not isinstance(event, BaseMessage) or not _passes(topic, event):
            return None
        return topic.frame(event, seq=message.get("seq")), topic.handler_table.tag_of(event)


async def _awaited(sending: Awaitable[None]) -> None:
    await sending


def _passes(owner: DirectSending[Any] | Topic, event: BaseMessage) -> bool:
    """Whether ``owner`` sends an event on as it is."""
    return is_passed_through(type(owner), owner.handler_table.event_handler(event))


def _has_own(cls: type, hooks: Sequence[str]) -> bool:
    """Whether a class has all of these methods from chanx; asked for each message, as tests replace them."""
    return all(getattr(getattr(cls, hook), "__module__", "").startswith("chanx.core.") for hook in hooks)
