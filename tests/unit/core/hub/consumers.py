"""A consumer whose event handlers do as they are told."""

import asyncio
from contextvars import ContextVar
from typing import Any, Literal

from chanx.core.decorators import event_handler, ws_handler
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage

variable: ContextVar[str] = ContextVar("variable")


class Say(BaseMessage):
    """An event that goes to clients as it is."""

    action: Literal["say"] = "say"
    payload: Any


class Do(BaseMessage):
    """An event with a handler."""

    action: Literal["do"] = "do"
    payload: str


class Told(BaseMessage):
    action: Literal["told"] = "told"
    payload: Any


class OddError(BaseException):
    """As eventlet's Timeout: no Exception, and yet it asks for the end of nothing."""


def obedient(base: Any, **attributes: Any) -> Any:
    """Such a consumer; all its connections are in the group ``all``."""

    class Obedient(base):  # type: ignore[misc]  # made for each flavour
        groups = ["all"]
        passthrough_events = [Say]

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType] -- made for each flavour
            self.gate = asyncio.Event()
            self.tasks: list[Any] = []

        async def post_authentication(self) -> None:
            variable.set(self.scope["path"])

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

        @event_handler(input_type=Do, output_type=Told)
        async def do(self, event: Do) -> Told | None:
            self.tasks.append(asyncio.current_task())
            match event.payload:
                case "wait":
                    await self.gate.wait()
                case "yield":
                    await asyncio.sleep(0)
                case "cancel":
                    self._cancel()
                case "cancel and wait":
                    self._cancel()
                    await self.gate.wait()
                case "wait and cancel":
                    await self.gate.wait()
                    self._cancel()
                case "stop":
                    raise self.signals.stop
                case "wait and stop":
                    await self.gate.wait()
                    raise self.signals.stop
                case "odd":
                    raise OddError
                case "close":
                    await self.close(4000)
                case "context":
                    return Told(payload=variable.get("none"))
                case "limits":
                    await self._limits()
                case _:
                    pass
            self.tasks.append(asyncio.current_task())
            return Told(payload=event.payload)

        async def obey(self, message: dict[str, Any]) -> None:
            await self.do(Do(payload=message["what"]))

        async def chat_message(self, message: dict[str, Any]) -> None:
            content = message["content"]
            content.append(self.scope["path"])
            message["more"] = 1
            await self.send_message(Told(payload=[type(message).__name__, content]))

        def _cancel(self) -> None:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()

        async def _limits(self) -> None:
            try:
                async with asyncio.timeout(0):
                    await self.gate.wait()
            except TimeoutError:
                self.tasks.append("timeout")
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._failing())
                    await self.gate.wait()
            except* ValueError:
                self.tasks.append("group")

        async def _failing(self) -> None:
            raise ValueError

    return type("Obedient", (Obedient,), attributes)
