"""Messages whose answers do not say what they answer: each has the next message of its types.

turn() ─> waits for earlier ones that share a type ─> expect(), sent ─ a message of the types ─> answer
                                                                      ├── an error: of the one that was sent first
                                                                      └── the connection is lost: None
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from .messages import ErrorMessage


class Question:
    """One message that is answered; ``types`` are those of its answers."""

    def __init__(self, types: tuple[type[Any], ...]) -> None:
        self.types = types
        self.over = asyncio.Event()
        self._answer: asyncio.Future[Any] | None = None

    def expect(self) -> asyncio.Future[Any]:
        """What will be the answer, an ``ErrorMessage``, or None where the connection is lost before."""
        self._answer = asyncio.get_running_loop().create_future()
        return self._answer

    def take(self, message: Any) -> bool:
        """Whether that is the answer."""
        if self._answer is None or self._answer.done():
            return False
        if message is not None and not isinstance(message, (*self.types, ErrorMessage)):
            return False
        self._answer.set_result(message)
        return True


class Questions:
    """Those of one connection, in the order they were asked."""

    def __init__(self) -> None:
        self._all: list[Question] = []

    @asynccontextmanager
    async def turn(self, types: tuple[type[Any], ...]) -> AsyncGenerator[Question, None]:
        """Waits until nobody else is to be answered by one of these types."""
        earlier = [question for question in self._all if not set(types).isdisjoint(question.types)]
        question = Question(types)
        self._all.append(question)
        try:
            for other in earlier:
                await other.over.wait()
            yield question
        finally:
            self._all.remove(question)
            question.over.set()

    def told(self, message: object) -> None:
        """A message has come: it answers one question at most."""
        for question in self._all:
            if question.take(message):
                return

    def lost(self) -> None:
        """No answer comes any more to what was sent."""
        for question in self._all:
            question.take(None)
