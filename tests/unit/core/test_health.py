"""Health: what the checks say together, and what nobody outside is told."""

import asyncio
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from channels.layers import InMemoryChannelLayer

from chanx import log
from chanx.core.health import ALIVE, KEPT_SECONDS, Check, Health, Readiness, layer_check, readiness


@pytest.fixture(autouse=True)
def each_failure_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_last_logged", {})


async def fine() -> None: ...


async def broken() -> None:
    raise ConnectionError("redis://:hunter2@10.0.0.7 refused")


async def hanging() -> None:
    await asyncio.Event().wait()


def test_a_process_that_answers_is_alive() -> None:
    assert (ALIVE.status_code, json.loads(ALIVE.content)) == (200, {"status": "ok", "checks": {}})


async def test_all_checks_pass() -> None:
    health = await readiness({"layer": fine, "store": fine})

    content = json.loads(health.content)
    assert (health.status_code, content["status"]) == (200, "ok")
    assert {name: check["status"] for name, check in content["checks"].items()} == {"layer": "ok", "store": "ok"}
    assert all(0 <= check["seconds"] < 2 for check in content["checks"].values())
    assert health.headers["Cache-Control"] == "no-store"


async def test_one_fails(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "chanx"):
        health = await readiness({"layer": fine, "store": broken})

    content = json.loads(health.content)
    assert (health.status_code, content["status"]) == (503, "unavailable")
    assert content["checks"]["layer"]["status"] == "ok"
    assert content["checks"]["store"] == {"status": "unavailable"}
    assert b"hunter2" not in health.content
    assert "health_check_failed check='store'" in caplog.text


async def test_one_takes_too_long() -> None:
    health = await readiness({"layer": hanging, "store": hanging, "other": fine}, seconds=0.05)

    statuses = {name: check["status"] for name, check in health.checks.items()}
    assert statuses == {"layer": "unavailable", "store": "unavailable", "other": "ok"}


async def test_one_that_goes_on_when_it_is_cancelled() -> None:
    # Given
    cancelled, may_end = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
            await may_end.wait()
            raise ConnectionError

    # When, then nobody waits for its end
    async with asyncio.timeout(30):
        health = await readiness({"store": stubborn}, seconds=0.05)
        assert health.checks == {"store": {"status": "unavailable"}}

        # and its end is no failure of anything
        await cancelled.wait()
        may_end.set()
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})


async def test_a_cancellation_that_is_not_ours() -> None:
    async def stray() -> None:
        raise asyncio.CancelledError

    health = await readiness({"store": stray, "layer": fine})

    assert [check["status"] for check in health.checks.values()] == ["unavailable", "ok"]


async def test_a_check_ends_with_whoever_asked() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def hangs() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    asking = asyncio.create_task(readiness({"store": hangs}))
    async with asyncio.timeout(30):
        await began.wait()
        asking.cancel()
        await ended.wait()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_a_layer_is_asked_without_leaving_anything() -> None:
    layer = InMemoryChannelLayer()

    await layer_check(layer)()

    assert (layer.groups, layer.channels) == ({}, {})


class Site:
    """One check, which waits until it is let go, and counts how often it was asked."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.readiness = Readiness(self.checks, clock=lambda: self.now)

    def checks(self) -> dict[str, Check]:
        return {"store": self.check}

    async def check(self) -> None:
        self.asked += 1
        self.begun.set()
        await self.go.wait()

    async def first(self) -> asyncio.Task[Health]:
        asking = asyncio.create_task(self.readiness())
        await self.begun.wait()
        return asking


async def test_who_asks_meanwhile_or_soon_gets_the_same_answer() -> None:
    site = Site()
    first = await site.first()
    others = [asyncio.create_task(site.readiness()) for _ in range(5)]
    await asyncio.sleep(0)
    site.go.set()

    answers = {id(await each) for each in (first, *others)}
    site.now += KEPT_SECONDS * 0.99
    answers.add(id(await site.readiness()))
    assert (len(answers), site.asked) == (1, 1)

    site.now += KEPT_SECONDS
    await site.readiness()
    assert site.asked == 2


async def test_one_who_waits_and_goes_away_takes_no_answer_from_others() -> None:
    site = Site()
    first = await site.first()
    leaving, staying = (asyncio.create_task(site.readiness()) for _ in range(2))
    await asyncio.sleep(0)

    leaving.cancel()
    await asyncio.wait([leaving])
    site.go.set()

    assert (await first) is (await staying)
    assert site.asked == 1


async def test_when_the_one_who_asked_goes_away_another_asks() -> None:
    site = Site()
    first = await site.first()
    others = [asyncio.create_task(site.readiness()) for _ in range(3)]
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.wait([first])
    site.go.set()

    assert len({id(await each) for each in others}) == 1
    assert site.asked == 2


async def test_what_cannot_be_checked_is_raised_to_each() -> None:
    def wrong() -> dict[str, Check]:
        raise LookupError("no settings")

    readiness_of_site = Readiness(wrong)
    for _ in range(2):
        with pytest.raises(LookupError, match="no settings"):
            await readiness_of_site()


def test_who_asks_in_another_thread_waits_for_the_same_answer() -> None:
    # Given a check that waits, in the event loop of one thread
    asked, go = threading.Barrier(2, timeout=30), threading.Event()

    async def check() -> None:
        asked.wait()
        go.wait(30)

    checks: dict[str, Check] = {"store": check}
    readiness_of_site = Readiness(lambda: checks, clock=lambda: 0.0)

    def ask() -> Health:
        return asyncio.run(readiness_of_site())

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(ask)
        asked.wait()

        # When another thread asks: a second check would wait at the barrier for ever
        second = threads.submit(ask)
        go.set()

        # Then
        assert first.result(30) is second.result(30)
