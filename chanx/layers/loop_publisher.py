"""The general publisher: it has an async channel layer do the work, on an event loop in another thread.

caller's thread ── coroutine ─> background loop (a network layer)
                └─ coroutine ─> the receivers' own loop (an in-memory layer)
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from copy import deepcopy
from typing import Any, Protocol

from chanx.errors import PublisherError
from chanx.layers.background_loop import BackgroundLoop
from chanx.layers.batch import Parcel
from chanx.layers.breaker import CircuitBreaker
from chanx.layers.caller import is_in_worker_task, threads_are_greenlets
from chanx.layers.failures import Kind, PublishFailure
from chanx.layers.payload import refuse_foreign_values, size_of
from chanx.layers.publisher import Publisher, failure_of
from chanx.log import log_throttled
from chanx.utils.process import PerProcess

TIMEOUT = 0.5
"""Seconds that a message, or a batch of them, may take."""


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
        self._receivers: tuple[int, asyncio.AbstractEventLoop] | None = None
        self._worker = PerProcess(_Worker)

    def attach_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell on which loop the layer's receivers wait; the last one told counts. Only an in-memory layer needs it."""
        if self._in_process:
            self._receivers = os.getpid(), loop

    def close(self) -> None:
        worker = self._worker.reset()
        if worker is not None:
            worker.background.close()

    def _encode(self, kind: Kind, name: str, message: dict[str, Any]) -> tuple[dict[str, Any], int]:
        self._refuse_where_it_cannot_work()
        refuse_foreign_values(message)
        return deepcopy(message), size_of(message)

    def _deliver(self, parcels: Sequence[Parcel]) -> Iterable[PublishFailure]:
        worker, until = self._worker.get(), time.monotonic() + TIMEOUT
        failures = (self._deliver_one(worker, parcel, until) for parcel in parcels)
        return [failure for failure in failures if failure is not None]

    def _deliver_one(self, worker: _Worker, parcel: Parcel, until: float) -> PublishFailure | None:
        layer, seconds = type(self.layer).__name__, until - time.monotonic()
        if seconds <= 0:
            return failure_of(parcel, f"{layer} has taken too long for those before it.")
        if not worker.breaker.allows():
            return failure_of(parcel, f"{layer} has just failed, so it is left alone for a second.")
        loop = self._receiving_loop() or worker.background.loop
        method = self.layer.group_send if parcel.kind == "group" else self.layer.send
        delivery = _call(method, parcel.name, parcel.content)
        if loop is _running_loop():
            task = loop.create_task(delivery)
            worker.tasks.add(task)
            task.add_done_callback(lambda done: self._finish(worker, parcel, done))
            return None
        error = _outcome(delivery, loop, seconds)
        if error is None:
            worker.breaker.succeeded()
            return None
        if isinstance(error, TimeoutError):
            worker.breaker.timed_out()
        elif not _is_of_one_message(error):
            worker.breaker.failed()
        return failure_of(parcel, f"{layer}: {type(error).__name__}: {error}")

    def _refuse_where_it_cannot_work(self) -> None:
        layer = type(self.layer).__name__
        if self._in_process and self._receivers_here() is None and is_in_worker_task():
            raise PublisherError(
                f"{layer} reaches consumers of its own process only, and none runs in this Celery worker. Configure "
                "CHANNEL_LAYERS with channels_redis.pubsub.RedisPubSubChannelLayer for the site and the worker; in "
                "tests, set task_always_eager."
            )
        if threads_are_greenlets():
            raise PublisherError(
                f"{layer} is published to through an event loop in a thread, which gevent and eventlet do not allow. "
                "Use channels_redis.pubsub.RedisPubSubChannelLayer (or its core layer with one host and no "
                "encryption), or run the worker with --pool=prefork or --pool=threads."
            )

    def _receiving_loop(self) -> asyncio.AbstractEventLoop | None:
        if not self._in_process:
            return None
        receivers = self._receivers_here()
        if receivers is not None and receivers.is_running():
            return receivers
        log_throttled(
            "in_memory_layer_without_receivers",
            key=id(self),
            layer=type(self.layer).__name__,
            hint="no chanx consumer runs in this process; publish to another process through a Redis layer",
        )
        return None

    def _receivers_here(self) -> asyncio.AbstractEventLoop | None:
        # A loop that was inherited by a fork says that it runs, and does not.
        return self._receivers[1] if self._receivers and self._receivers[0] == os.getpid() else None

    def _finish(self, worker: _Worker, parcel: Parcel, task: asyncio.Task[None]) -> None:
        worker.tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._reports.report(failure_of(parcel, f"{type(error).__name__}: {error}"))


class _Worker:
    """What one process publishes with."""

    def __init__(self) -> None:
        self.background = BackgroundLoop()
        self.breaker = CircuitBreaker()
        # The loop itself holds tasks weakly.
        self.tasks: set[asyncio.Task[None]] = set()


async def _call(method: Callable[..., Awaitable[None]], name: str, message: dict[str, Any]) -> None:
    await method(name, message)


def _outcome(
    delivery: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop, seconds: float
) -> BaseException | None:
    """The delivery's own error, as a value. What strikes the waiting thread (a time limit) is raised."""
    try:
        future = asyncio.run_coroutine_threadsafe(delivery, loop)
    except RuntimeError as error:  # the loop was closed a moment ago
        delivery.close()
        return error
    try:
        return future.exception(seconds)
    except concurrent.futures.CancelledError as error:
        return error
    except TimeoutError:
        return TimeoutError(f"no answer within {seconds:.2g} s")
    finally:
        future.cancel()


def _is_of_one_message(error: BaseException) -> bool:
    """Whether the layer itself is well: one receiver's channel is full, or it cannot carry what it was given."""
    return isinstance(error, TypeError | ValueError | LookupError) or type(error).__name__ == "ChannelFull"


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
