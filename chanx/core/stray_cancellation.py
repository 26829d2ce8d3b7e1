"""Telling the cancellation of a task from that of something which code in it awaits."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager


def is_being_cancelled() -> bool:
    """Whether the current task is."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


@contextmanager
def stray_cancellation_fails(what: str) -> Generator[None]:
    """Raise ``RuntimeError`` for a ``CancelledError`` from the block, unless its own task is being cancelled.

    It comes of awaiting what somebody else has cancelled, and would end the task without a trace. ``what``: whose code
    the block runs, for the message.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        if is_being_cancelled():
            raise
        raise RuntimeError(f"{what} awaited something that was cancelled") from error
