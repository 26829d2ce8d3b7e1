"""A consumer, with a topic, that answers as a test wants it to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel

from chanx.core.decorators import event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage


class Text(BaseModel):
    text_of: str
    stars: int = 0


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: str


class Said(BaseMessage):
    action: Literal["said"] = "said"
    payload: Text


class Undeclared(BaseMessage):
    action: Literal["undeclared"] = "undeclared"
    payload: None = None


class News(BaseMessage):
    action: Literal["news"] = "news"
    payload: Text


Answer = Callable[[Any, str], Any]
"""What ``say`` is answered with, by who answers it (a consumer, or a topic), and what was said."""


def chat(base: Any, answer: Answer, **attributes: Any) -> Any:
    """A consumer class on either flavour, with the topic ``room:{id}``."""

    class Room(Topic):
        pattern = "room:{id}"

        @ws_handler
        async def say(self, message: Say) -> Said:
            found: Said = answer(self, message.payload)
            return found

        @event_handler
        async def news(self, event: News) -> News:
            return event

    class ChatConsumer(base):  # type: ignore[misc] # either flavour
        topics = [Room]

        @ws_handler
        async def say(self, message: Say) -> Said:
            found: Said = answer(self, message.payload)
            return found

        @event_handler
        async def news(self, event: News) -> News:
            return event

    for name, value in attributes.items():
        setattr(ChatConsumer, name, value)
    return ChatConsumer


def said(sender: Any, text: str) -> Said:
    return Said(payload=Text(text_of=text))


def wrong_type(sender: Any, text: str) -> Any:
    return Said.model_construct(payload={"text_of": 5, "stars": 0})


def missing_default(sender: Any, text: str) -> Any:
    return Said.model_construct(payload={"text_of": text})


def undeclared(sender: Any, text: str) -> Any:
    return Undeclared()


def what_clients_send(sender: Any, text: str) -> Any:
    return Say(payload=text)
