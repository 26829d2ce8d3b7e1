"""Health: what the checks say together, and what nobody outside is told."""

import asyncio
import json
import logging

import pytest
from channels.layers import InMemoryChannelLayer

from chanx import log
from chanx.core.health import ALIVE, layer_check, readiness


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
