"""When a connection's topics are asked again whether they may go on."""

import asyncio
from typing import Any

import pytest

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.reauthorization import Reauthorization


class Asked:
    """A connection whose topics want to be asked at these ``intervals``, in seconds."""

    def __init__(self, *intervals: float) -> None:
        self.intervals = list(intervals)
        self._was_asked = asyncio.Event()
        consumer: Any = AsyncJsonWebsocketConsumer()
        consumer.scope = {}
        consumer.channel_layer = None
        self.reauthorization = Reauthorization(consumer, self._ask, lambda: min(self.intervals, default=None))

    async def _ask(self) -> None:
        self._was_asked.set()

    async def wait(self) -> None:
        async with asyncio.timeout(30):
            await self._was_asked.wait()


@pytest.fixture
def anonymous(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refreshed_user(_: Any) -> None:
        return None

    monkeypatch.setattr(AsyncJsonWebsocketConsumer, "refreshed_user", refreshed_user)


pytestmark = pytest.mark.usefixtures("anonymous")


async def test_a_topic_that_comes_as_soon_as_the_last_one_has_gone_is_asked_too() -> None:
    asked = Asked(0.01)
    asked.reauthorization.start()
    await asyncio.sleep(0)

    asked.reauthorization.stop()
    asked.reauthorization.start()

    await asked.wait()
    asked.reauthorization.stop()


async def test_a_topic_with_a_shorter_interval_does_not_wait_for_a_longer_one() -> None:
    asked = Asked(3600)
    asked.reauthorization.start()
    await asyncio.sleep(0)

    asked.intervals.append(0.01)
    asked.reauthorization.start()

    await asked.wait()
    asked.reauthorization.stop()


async def test_topics_that_come_all_the_time_do_not_put_it_off() -> None:
    asked = Asked(0.1)

    async def come() -> None:
        while True:
            asked.reauthorization.start()
            await asyncio.sleep(0.01)

    coming = asyncio.create_task(come())
    await asked.wait()
    coming.cancel()
    asked.reauthorization.stop()


async def test_signing_out_does_not_wait() -> None:
    asked = Asked(3600)
    asked.reauthorization.start()
    await asyncio.sleep(0)

    asked.reauthorization.at_once()

    await asked.wait()
    asked.reauthorization.stop()
