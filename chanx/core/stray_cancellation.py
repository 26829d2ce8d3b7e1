"""Telling what ends a task from what is a failure of code in it, where ``except Exception`` does not tell.

A ``CancelledError`` may be the task's own cancellation, or come of awaiting what somebody else has cancelled. And there
are errors beside ``Exception`` that ask for the end of nothing, such as eventlet's ``Timeout`` and pytest's ``fail``.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager


def is_being_cancelled() -> bool:
    """Whether the current task is."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def as_failure(what: str, error: BaseException) -> RuntimeError | None:
    """The failure to raise for what came from code of ``what``, or None if it is to be raised as it is."""
    if isinstance(error, asyncio.CancelledError):
        return None if is_being_cancelled() else RuntimeError(f"{what} awaited something that was cancelled")
    if isinstance(error, (Exception, GeneratorExit, KeyboardInterrupt, SystemExit)):
        return None
    return RuntimeError(f"{what} raised {type(error).__name__}")


@contextmanager
def stray_cancellation_fails(what: str) -> Generator[None]:
    """Raise ``as_failure`` for what comes from the block, which would end the task without a trace.

    ``what``: whose code the block runs, for the message.
    """
    try:
        yield
    except BaseException as error:
        if (failure := as_failure(what, error)) is None:
            raise
        raise failure from error
