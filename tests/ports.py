"""Ports for servers that a test starts."""

import random
import socket
from contextlib import suppress

# Below the range the kernel hands to outgoing connections, which would take a port between the look and the server.
_PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on; drawn at random, so that no other test process draws it too."""
    while True:
        port = random.choice(_PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
