"""A TCP proxy for tests, which can be slow, mute or cut, and can put TLS in front of a server that has none."""

import asyncio
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress


class TcpProxy:
    """Listens on ``port`` of 127.0.0.1 and passes on to another port, in a thread of its own."""

    def __init__(self, target_port: int, tls: ssl.SSLContext | None = None) -> None:
        self.delay = 0.0
        """Seconds before each part of what the server says."""
        self.mute = False
        """Pass on nothing, in either direction."""
        self.part_bytes = 65536
        """How much of what the server says is passed on at once."""
        self.round_trips = 0
        """How often a client has said something after it had been answered."""
        self._has_answered = True
        self.target_port = target_port
        """Where new connections go."""
        self.port = 0
        self.accepted = 0
        """How many connections there have been."""
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._clients: set[asyncio.StreamWriter] = set()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._listening.wait(30)

    def cut(self) -> None:
        """Close all connections; new ones are taken."""
        done = threading.Event()

        def close() -> None:
            for client in list(self._clients):
                client.transport.abort()
            done.set()

        self._loop.call_soon_threadsafe(close)
        done.wait(30)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls))
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        self._loop.run_forever()
        server.close()
        for task in (tasks := asyncio.all_tasks(self._loop)):
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._clients.add(writer)
        upstream: asyncio.StreamWriter | None = None
        try:
            answers, upstream = await asyncio.open_connection("127.0.0.1", self.target_port)
            ways = [asyncio.ensure_future(self._pass(reader, upstream, slow=False))]
            ways.append(asyncio.ensure_future(self._pass(answers, writer, slow=True)))
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except (OSError, asyncio.CancelledError):  # cancelled by close(), which Python 3.11 would print
            pass
        finally:
            self._clients.discard(writer)
            for end in (writer, upstream):
                if end is not None:
                    end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool) -> None:
        with suppress(OSError):
            while data := await reader.read(self.part_bytes if slow else 65536):
                if slow and self.delay:
                    await asyncio.sleep(self.delay)
                if not slow and self._has_answered:
                    self.round_trips += 1
                self._has_answered = slow
                if not self.mute:
                    writer.write(data)
                    await writer.drain()


@contextmanager
def tcp_proxy(target_port: int, tls: ssl.SSLContext | None = None) -> Generator[TcpProxy]:
    proxy = TcpProxy(target_port, tls)
    try:
        yield proxy
    finally:
        proxy.close()
