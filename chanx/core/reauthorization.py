"""Asks a connection's topics again whether they may go on: now and then, and when the client's sign-in has ended."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from chanx.core.failures import log_failure
from chanx.core.sending import Sending
from chanx.core.sign_out import sign_out_group
from chanx.utils.asyncio import create_task

SPREAD: Final = 0.1
"""By how much an interval varies, so that connections which were opened together do not ask together for ever."""


class Reauthorization:
    """The one task of a connection that does it, while there is a topic that wants it.

    ``ask`` asks the topics; ``interval`` tells the seconds until the next time, None where no topic wants it any more.
    """

    def __init__(
        self, consumer: Sending, ask: Callable[[], Awaitable[None]], interval: Callable[[], float | None]
    ) -> None:
        self._consumer = consumer
        self._ask = ask
        self._interval = interval
        self._wake: asyncio.Event | None = None  # of the task, which most connections have no use for
        self._is_due = False
        self._task: asyncio.Task[None] | None = None
        self._has_joined = False

    def start(self) -> None:
        """Goes on asking from now on, at the interval of now. Safe to call again."""
        if self._wake is None:
            self._wake = asyncio.Event()
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = create_task(
                self._run(self._wake), name=f"chanx-reauthorization-{type(self._consumer).__name__}"
            )

    def at_once(self) -> None:
        """Asks now."""
        self._is_due = True
        if self._wake is not None:
            self._wake.set()

    def stop(self) -> None:
        """Asks no more, but for what is being asked by the task that calls this."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            self._task = None  # it is not done yet, but does not go on

    async def _run(self, wake: asyncio.Event) -> None:
        await self._join()
        while self._interval() is not None:
            await self._wait(wake)
            self._is_due = False
            await self._refresh_user()
            await self._ask()

    async def _wait(self, wake: asyncio.Event) -> None:
        """Until it is to ask at once, or the interval is over: the shortest one, though it may have come meanwhile."""
        began, spread = asyncio.get_running_loop().time(), random.uniform(1 - SPREAD, 1 + SPREAD)
        while not self._is_due and (seconds := self._interval()) is not None:
            wake.clear()
            try:
                async with asyncio.timeout_at(began + seconds * spread):
                    await wake.wait()
            except TimeoutError:
                return

    async def _join(self) -> None:
        key, layer = self._consumer.sign_in_key, self._consumer.channel_layer
        if self._has_joined or key is None or layer is None:
            return
        try:
            await layer.group_add(sign_out_group(key), self._consumer.channel_name)
            self._has_joined = True
        except Exception as error:
            log_failure("sign_out_group_not_joined", error, consumer=type(self._consumer).__name__)

    async def _refresh_user(self) -> None:
        if self._consumer.is_signed_out:
            return
        try:
            user = await self._consumer.refreshed_user()
        except Exception as error:  # asked again at the next interval
            log_failure("user_not_refreshed", error, consumer=type(self._consumer).__name__)
        else:
            if not self._consumer.is_signed_out:  # meanwhile
                self._consumer.set_user(user)
