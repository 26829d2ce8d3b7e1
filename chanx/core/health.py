"""Whether a process of the site can do its work, for load balancers and for Kubernetes: no framework in here.

A check awaits what has to answer; what it raises, or that it takes too long, is logged and not shown to whoever asks.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from chanx.core.channel_layer import ChannelLayer
from chanx.log import log_throttled
from chanx.utils.process import PerProcess

Check: TypeAlias = Callable[[], Awaitable[object]]

CHECK_SECONDS: Final = 2.0
"""How long the checks of a request may take, all at once."""

KEPT_SECONDS: Final = 1.0
"""How long what the checks said is told to whoever asks next."""

PROBE_GROUP: Final = "chanx.health"
"""A group without members: sending to it is a question to the layer's server that leaves nothing there."""


@dataclass(frozen=True, slots=True)
class Health:
    """What is answered: ``{"status": "ok", "checks": {"layer": {"status": "ok", "seconds": 0.001}}}``.

    The status is ``ok`` if that of all checks is, else ``unavailable``.
    """

    checks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])

    @property
    def is_ok(self) -> bool:
        return all(check["status"] == "ok" for check in self.checks.values())

    @property
    def status_code(self) -> int:
        return 200 if self.is_ok else 503

    @property
    def content(self) -> bytes:
        status = "ok" if self.is_ok else "unavailable"
        return json.dumps({"status": status, "checks": self.checks}).encode()

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", "Cache-Control": "no-store"}


ALIVE: Final = Health()
"""That a process answers at all, whatever it depends on: who is not alive is started again."""


async def readiness(checks: Mapping[str, Check], *, seconds: float = CHECK_SECONDS) -> Health:
    """What the checks say, made side by side, within so many seconds."""
    answers = await asyncio.gather(*(_answer(name, check, seconds) for name, check in checks.items()))
    return Health(dict(zip(checks, answers, strict=True)))


class Readiness:
    """What ``checks`` say, asked once for all who ask meanwhile and for ``KEPT_SECONDS`` after, in whatever thread.

    Everybody may ask a site's endpoint, and each answer costs a round trip to Redis, or two seconds without it.
    """

    def __init__(
        self, checks: Callable[[], Mapping[str, Check]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._checks = checks
        self._clock = clock
        self._asking = PerProcess(_Asking)

    async def __call__(self) -> Health:
        """The answer, which may be one of a moment ago. Raises what ``checks`` raises."""
        asking = self._asking.get()
        while True:
            answer, is_ours = asking.join(self._clock)
            if is_ours:
                return await self._ask(asking, answer)
            with suppress(_AskedInVainError):
                return await asyncio.wrap_future(answer)

    async def _ask(self, asking: _Asking, answer: Future[Health]) -> Health:
        try:
            health = await readiness(self._checks())
        except BaseException:
            answer.set_exception(_AskedInVainError())  # by somebody who went away, say: others ask for themselves
            raise
        asking.kept_until = self._clock() + KEPT_SECONDS
        answer.set_result(health)
        return health


class _AskedInVainError(Exception):
    pass


class _Asking:
    """The newest answer of a process, there or to come."""

    def __init__(self) -> None:
        self.kept_until = 0.0
        self._lock = threading.Lock()
        self._answer: Future[Health] | None = None

    def join(self, clock: Callable[[], float]) -> tuple[Future[Health], bool]:
        """The answer to wait for, and whether it is the caller's to give."""
        with self._lock:
            newest = self._answer
            if newest is None or (newest.done() and (newest.exception() or clock() >= self.kept_until)):
                newest = self._answer = Future()
                newest.set_running_or_notify_cancel()  # so that one of those who wait cannot cancel it
                return newest, True
            return newest, False


def check_name(alias: str) -> str:
    """What the check of a channel layer is called."""
    return "layer" if alias == "default" else f"layer {alias}"


def layer_check(layer: ChannelLayer) -> Check:
    """Whether the channel layer's server answers."""

    async def send() -> None:
        await layer.group_send(PROBE_GROUP, {"type": "chanx.health"})

    return send


async def _answer(name: str, check: Check, seconds: float) -> Mapping[str, Any]:
    start = time.monotonic()
    error = await _failure_of(check, seconds)
    if error is not None:
        log_throttled("health_check_failed", key=name, check=name, error=repr(error))
        return {"status": "unavailable"}
    return {"status": "ok", "seconds": round(time.monotonic() - start, 4)}


async def _failure_of(check: Check, seconds: float) -> BaseException | None:
    # A task: clients of a server that hangs may take long to be cancelled, and nobody waits for that.
    task = asyncio.create_task(_made(check), name="chanx-health")
    task.add_done_callback(_seen)
    try:
        await asyncio.wait([task], timeout=seconds)
        if not task.done():
            return TimeoutError(f"no answer within {seconds:g} s")
        return asyncio.CancelledError() if task.cancelled() else task.exception()
    finally:
        task.cancel()


async def _made(check: Check) -> None:
    await check()


def _seen(task: asyncio.Task[None]) -> None:
    """What is raised after the answer is nobody's failure."""
    if not task.cancelled():
        task.exception()
