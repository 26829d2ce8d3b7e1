"""A process of a worker's pool hands on what it still has for the store when it ends, which Python is not told of."""

from __future__ import annotations

from typing import Any

from celery import current_app
from celery.signals import worker_process_shutdown

from chanx.bridge.installed import bridge_or_none
from chanx.bridge.transports.direct import EXIT_SECONDS


def connect() -> None:
    """Connects the receiver once in this process, however often it is called."""
    worker_process_shutdown.connect(_on_process_shutdown, weak=False, dispatch_uid="chanx.bridge.leaving")


def _on_process_shutdown(**_: Any) -> None:
    # The signal has no sender; in a process of a pool the current app is the worker's.
    bridge = bridge_or_none(current_app)
    if bridge is not None:
        bridge.transport.give_up(EXIT_SECONDS)
        bridge.store.close()
