"""A test client of one connection: sends frames as a server would, and reads what the consumer sends back."""

import asyncio
import json
from typing import Any

from asgiref.testing import ApplicationCommunicator

SECONDS = 90.0


class Client:
    """One connection to a consumer class.

    ``quiet`` proves that nothing was sent without waiting for time to pass: it asks for a frame that is known, and
    expects it as the very next one.
    """

    def __init__(self, consumer: Any, path: str = "/ws/", scope: dict[str, Any] | None = None) -> None:
        base = {"type": "websocket", "path": path, "query_string": b"", "headers": [], "subprotocols": []}
        self.consumer: Any = None

        async def application(*arguments: Any) -> None:
            self.consumer = consumer()
            await self.consumer(*arguments)

        self._communicator = ApplicationCommunicator(application, {**base, **(scope or {})})
        self._ended = False

    async def connect(self) -> None:
        await self._communicator.send_input({"type": "websocket.connect"})
        assert (await self.output())["type"] == "websocket.accept"

    async def output(self) -> dict[str, Any]:
        """The next ASGI message of the consumer."""
        message: dict[str, Any] = await self._communicator.receive_output(SECONDS)
        return message

    async def send(self, frame: Any = None, *, text: str | None = None, data: bytes | None = None) -> None:
        """Send JSON, or ``text`` or binary ``data`` as it is."""
        if data is not None:
            await self._communicator.send_input({"type": "websocket.receive", "bytes": data})
        else:
            content = json.dumps(frame) if text is None else text
            await self._communicator.send_input({"type": "websocket.receive", "text": content})

    async def frame(self) -> Any:
        """The next frame, decoded."""
        message = await self.output()
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    async def frames(self, count: int) -> list[Any]:
        return [await self.frame() for _ in range(count)]

    async def actions(self, count: int) -> list[str]:
        return [frame["action"] for frame in await self.frames(count)]

    async def closed(self) -> int | None:
        """Expect the consumer to close now; the close code, None without one."""
        message = await self.output()
        assert message["type"] == "websocket.close", message
        code: int | None = message.get("code")
        return code

    async def quiet(self) -> None:
        """Expect that nothing was sent in answer to what came before (for consumers that answer pings)."""
        await self.send({"action": "ping"})
        assert await self.frame() == {"action": "pong", "payload": None}

    async def disconnect(self, code: int = 1000) -> None:
        if self._ended:
            return
        self._ended = True
        await self._communicator.send_input({"type": "websocket.disconnect", "code": code})
        await self._communicator.wait(SECONDS)

    async def end(self) -> None:
        """Cancel the application, as a server does that shuts down."""
        self._ended = True
        future = self._communicator.future
        assert future is not None
        future.cancel()
        await asyncio.gather(future, return_exceptions=True)
