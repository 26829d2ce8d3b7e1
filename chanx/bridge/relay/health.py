"""Whether a relay can do its work, over HTTP, for systemd, Compose and Kubernetes: ``/live`` and ``/ready``."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from chanx.bridge.installed import Bridge
from chanx.bridge.relay.relay import Relay
from chanx.bridge.store.base import StoreUnavailableError
from chanx.core.health import ALIVE, Health
from chanx.errors import ConfigurationError

_NO_JOB: Final = "chanx-health"
_STATUS: Final = {True: "ok", False: "unavailable"}


def relay_health(bridge: Bridge, relay: Relay) -> Health:
    """``broker``: each queue is read, or waited for while another relay reads it. ``store``: it answers. Blocking."""
    is_connected = all(reader.is_connected for reader in relay.readers)
    try:
        bridge.store.heads([_NO_JOB])
    except StoreUnavailableError:
        answers = False
    else:
        answers = True
    return Health({"broker": {"status": _STATUS[is_connected]}, "store": {"status": _STATUS[answers]}})


@contextmanager
def health_served(bridge: Bridge, relay: Relay, host: str, port: int) -> Generator[int]:
    """Serves both in threads until the block ends; yields the port, which the system chooses where ``port`` is 0.

    Raises ``ConfigurationError`` where nobody can listen there.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path:
                case "/live":
                    self._answer(ALIVE)
                case "/ready":
                    self._answer(relay_health(bridge, relay))
                case _:
                    self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: it is asked every few seconds."""

        def _answer(self, health: Health) -> None:
            content = health.content
            self.send_response(health.status_code)
            for name, value in {**health.headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    try:
        listening = ThreadingHTTPServer((host, port), Handler)
    except (OSError, OverflowError) as error:
        raise ConfigurationError(f"The relay cannot listen on {host}:{port} for its health: {error}") from error
    with listening as server:
        thread = threading.Thread(target=server.serve_forever, name="chanx-relay-health", daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
