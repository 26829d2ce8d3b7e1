"""A server of the topic ``room``."""

from __future__ import annotations

from typing import Any

from tests.unit.client_generator.base.fakes import FakeNetwork, FakeSocket, Frame
from tests.unit.client_generator.base.messages import Say, Text


class RoomServer:
    """Answers subscriptions with how many there were, and says what it is told to; ``refusals`` come before."""

    def __init__(self) -> None:
        self.network = FakeNetwork(self.hear)
        self.members = 0
        self.refusals: list[Any] = []
        self.is_silent = False
        self.is_mute = False

    def hear(self, socket: FakeSocket, frame: Frame) -> None:
        if self.is_mute:
            return
        if frame["action"] == "subscribe" and self.refusals:
            socket.answer(frame, "error", self.refusals.pop(0))
        elif frame["action"] == "subscribe":
            self.members += 1
            socket.answer(frame, "subscribed", {"members": self.members})
        elif frame["action"] == "unsubscribe":
            socket.answer(frame, "unsubscribed")
        elif frame["action"] == "say" and not self.is_silent:
            socket.answer(frame, "said", frame["payload"])
            socket.answer(frame, "complete")

    def push(self, action: str, payload: Any, topic: str = "room:5", **more: Any) -> None:
        self.network.last.say({"version": 1, "topic": topic, "action": action, "payload": payload, **more})


def say(text: str) -> Say:
    return Say(payload=Text(text=text))
