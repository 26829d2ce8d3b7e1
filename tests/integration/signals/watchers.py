"""Web processes that look after dead workers, as far as these tests need them: they look now and then."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from chanx.bridge import Bridge
from chanx.bridge.observer import Observer

BEAT = 2.0
"""Seconds between two looks of a web process."""


@contextmanager
def web_processes(bridge: Bridge, count: int = 1) -> Generator[None]:
    """So many of them look while the block runs."""
    stopped = threading.Event()

    def look_on_and_on() -> None:
        observer = Observer(bridge.store, bridge.transport, bridge.app)
        while not stopped.wait(BEAT):
            observer.look()

    threads = [threading.Thread(target=look_on_and_on, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join(30)
