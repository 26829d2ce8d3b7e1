"""Waiting for a condition instead of sleeping."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T], *, seconds: float = 90.0, what: str | Callable[[], str] = "the condition"
) -> T:
    """The first true value of ``condition``; fails after a deadline, saying what was waited for."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            said = what if isinstance(what, str) else what()
            raise AssertionError(f"did not come true within {seconds:g} s: {said}")
        threading.Event().wait(0.01)
    return value
