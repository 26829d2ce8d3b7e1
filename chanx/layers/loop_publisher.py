"""The general publisher: it has an async channel layer do the work, on an event loop in another thread.

caller's thread ── coroutine ─> background loop (a network layer)
                └─ coroutine ─> the receivers' own loop (an in-memory layer)
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from chanx.layers.background_loop import BackgroundLoop
from chanx.layers.breaker import CircuitBreaker
from chanx.layers.payload import refuse_foreign_values
from chanx.layers.publisher import DeliveryFailed, Publisher
from chanx.log import log_throttled
from chanx.utils.process import PerProcess

TIMEOUT = 0.5
"""Seconds that a message may take."""


class AsyncLayer(Protocol):
    """What is needed of a channel layer."""

    def send(self, channel: str, message: dict[str, Any]) -> Awaitable[None]: ...

    def group_send(self, group: str, message: dict[str, Any]) -> Awaitable[None]: ...


class LoopPublisher(Publisher):
    """Publishes through any channel layer object; dearer than a publisher that knows the layer's wire format.

    A layer in this process's memory wakes its receivers only on their own loop: ``attach_loop`` says which that is.
    Called on the very loop that has to deliver, it does not wait, and the message goes out when the caller next awaits.
    """

    def __init__(self, layer: AsyncLayer) -> None:
        super().__init__()
        self.layer = layer
        self.channel_prefix = _prefix_of(layer)
        self._in_process = _is_in_process(layer)
        self._receivers: asyncio.AbstractEventLoop | None = None
        self._worker = PerProcess(_Worker)

    def attach_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell on which loop the layer's receivers wait; the last one told counts. Only an in-memory layer needs it."""
        if self._in_process:
            self._receivers = loop

    def close(self) -> None:
        worker = self._worker.reset()
        if worker is not None:
            worker.background.close()

    def _group_send(self, group: str, message: dict[str, Any]) -> None:
        self._deliver(self.layer.group_send, group, message)

    def _send(self, channel: str, message: dict[str, Any]) -> None:
        self._deliver(self.layer.send, channel, message)

    def _deliver(self, method: Callable[..., Awaitable[None]], name: str, message: dict[str, Any]) -> None:
        refuse_foreign_values(message)
        worker = self._worker.get()
        if not worker.breaker.allows():
            raise DeliveryFailed(f"{type(self.layer).__name__} has just failed, so it is left alone for a second.")
        loop = self._receiving_loop() or worker.background.loop
        delivery = _call(method, name, message)
        if loop is _running_loop():
            task = loop.create_task(delivery)
            worker.tasks.add(task)
            task.add_done_callback(lambda done: self._finish(worker, name, done))
            return
        error = _outcome(_submitted(delivery, loop))
        if error is None:
            worker.breaker.succeeded()
            return
        # A full channel is one receiver's trouble; the layer itself is well.
        if type(error).__name__ != "ChannelFull":
            worker.breaker.failed()
        raise DeliveryFailed(f"{type(self.layer).__name__}: {type(error).__name__}: {error}") from error

    def _receiving_loop(self) -> asyncio.AbstractEventLoop | None:
        if not self._in_process:
            return None
        if self._receivers is not None and self._receivers.is_running():
            return self._receivers
        log_throttled(
            "in_memory_layer_without_receivers",
            key=id(self),
            layer=type(self.layer).__name__,
            hint="no chanx consumer runs in this process; publish to another process through a Redis layer",
        )
        return None

    def _finish(self, worker: _Worker, name: str, task: asyncio.Task[None]) -> None:
        worker.tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._count_failure(name, error)


class _Worker:
    """What one process publishes with."""

    def __init__(self) -> None:
        self.background = BackgroundLoop()
        self.breaker = CircuitBreaker()
        # The loop itself holds tasks weakly.
        self.tasks: set[asyncio.Task[None]] = set()


async def _call(method: Callable[..., Awaitable[None]], name: str, message: dict[str, Any]) -> None:
    await method(name, message)


def _submitted(delivery: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> concurrent.futures.Future[None]:
    try:
        return asyncio.run_coroutine_threadsafe(delivery, loop)
    except RuntimeError as error:  # the loop was closed a moment ago
        delivery.close()
        raise DeliveryFailed(str(error)) from error


def _outcome(future: concurrent.futures.Future[None]) -> BaseException | None:
    """The delivery's own error, as a value. What strikes the waiting thread (a time limit) is raised."""
    try:
        return future.exception(TIMEOUT)
    except concurrent.futures.CancelledError as error:
        return error
    except TimeoutError:
        return TimeoutError(f"no answer within {TIMEOUT} s")
    finally:
        future.cancel()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _is_in_process(layer: object) -> bool:
    return any(base.__name__ == "InMemoryChannelLayer" for base in type(layer).__mro__)


def _prefix_of(layer: object) -> str:
    """The pub/sub layer's own prefix, which may hold characters that are none of a channel name."""
    inside: dict[str, Any] = getattr(layer, "__dict__", {})
    arguments = inside.get("_args", ())
    prefix = (
        inside.get("prefix") or inside.get("_kwargs", {}).get("prefix") or (arguments[1] if len(arguments) > 1 else "")
    )
    return prefix if isinstance(prefix, str) else ""
