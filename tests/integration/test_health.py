"""The health endpoints of both frameworks, in front of a Redis that goes away, hangs, and comes back."""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from types import ModuleType
from typing import Any

import httpx
import pytest
from celery import Celery
from django.db import connections
from django.test import AsyncClient, Client
from django.urls import include, path
from fast_channels.layers import register_channel_layer, unregister_channel_layer
from fast_channels.layers.redis import RedisPubSubChannelLayer
from fastapi import FastAPI

from chanx.bridge import Bridge, install
from chanx.core import health
from chanx.fast_channels.health import health_router
from chanx.testing.redis_server import RedisServer, redis_server
from tests.tcp_proxy import TcpProxy, tcp_proxy

Ask = Callable[[str], Awaitable[tuple[int, dict[str, Any]]]]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server(private=True) as running:
        yield running


@pytest.fixture(autouse=True)
def each_answer_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "KEPT_SECONDS", 0)


@pytest.fixture
def line(server: RedisServer) -> Iterator[TcpProxy]:
    """The site's way to Redis."""
    with tcp_proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def url(line: TcpProxy) -> str:
    return f"redis://127.0.0.1:{line.port}/0"


@pytest.fixture
def bridge(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    with closing(Celery("health", broker=url, set_as_current=False)) as app:
        installed = install(app, store=url)
        monkeypatch.setattr("chanx.bridge.installed.project_app", lambda: app)
        yield installed
        installed.store.close()


@pytest.fixture
def django_project(url: str, settings: Any) -> None:
    backend = "channels_redis.pubsub.RedisPubSubChannelLayer"
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": backend, "CONFIG": {"hosts": [url]}},
        "other": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
    }
    settings.ROOT_URLCONF = urls = ModuleType("urls")
    urls.urlpatterns = [path("health/", include("chanx.channels.health"))]  # type: ignore[attr-defined]
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",  # everybody else has to sign in
    ]


@pytest.fixture(params=["django", "fastapi"])
def ask(request: pytest.FixtureRequest, url: str) -> Iterator[Ask]:
    """Asks the endpoints of a framework's application."""
    if request.param == "django":
        request.getfixturevalue("django_project")
        client = AsyncClient()

        async def ask_django(name: str) -> tuple[int, dict[str, Any]]:
            answer = await client.get(f"/health/{name}/")
            return answer.status_code, answer.json()

        yield ask_django
    else:
        register_channel_layer("default", RedisPubSubChannelLayer(hosts=[url]))
        app = FastAPI()
        app.include_router(health_router(), prefix="/health")

        async def ask_fastapi(name: str) -> tuple[int, dict[str, Any]]:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://site") as client:
                answer = await client.get(f"/health/{name}/")
                return answer.status_code, answer.json()

        yield ask_fastapi
        unregister_channel_layer("default")


def statuses(content: dict[str, Any]) -> dict[str, str]:
    return {name: check["status"] for name, check in content["checks"].items() if name in ("layer", "store")}


async def test_while_all_is_well(ask: Ask, bridge: Bridge) -> None:
    code, content = await ask("ready")
    assert (code, content["status"]) == (200, "ok")
    assert statuses(content) == {"layer": "ok", "store": "ok"}
    assert await ask("live") == (200, {"status": "ok", "checks": {}})


async def test_while_redis_hangs(ask: Ask, bridge: Bridge, line: TcpProxy) -> None:
    # Given connections that exist
    assert (await ask("ready"))[0] == 200

    # When nothing comes through any more
    line.mute = True
    begin = time.monotonic()
    code, content = await ask("ready")
    seconds = time.monotonic() - begin

    # Then
    assert (code, content["status"]) == (503, "unavailable")
    assert statuses(content) == {"layer": "unavailable", "store": "unavailable"}
    assert seconds < 30
    assert await ask("live") == (200, {"status": "ok", "checks": {}})

    # When Redis is back
    line.mute = False
    line.cut()

    # Then
    code, content = await _second_answer(ask)
    assert (code, statuses(content)) == (200, {"layer": "ok", "store": "ok"})


async def test_while_redis_is_away(ask: Ask, bridge: Bridge, server: RedisServer) -> None:
    server.kill()
    try:
        code, content = await ask("ready")
        assert (code, statuses(content)) == (503, {"layer": "unavailable", "store": "unavailable"})
        assert "127.0.0.1" not in str(content)
    finally:
        server.start()


async def _second_answer(ask: Ask) -> tuple[int, dict[str, Any]]:
    """A layer may find out only by a failure that its connection is gone."""
    await ask("ready")
    return await ask("ready")


@pytest.mark.usefixtures("django_project")
class TestDjango:
    def test_under_wsgi(self, bridge: Bridge) -> None:
        answer = Client().get("/health/ready/")
        assert (answer.status_code, sorted(answer.json()["checks"])) == (200, ["layer", "layer other", "store"])
        assert answer.headers["Cache-Control"] == "no-store"
        assert Client().head("/health/live/").status_code == 200
        assert Client().post("/health/live/").status_code == 405

    def test_without_a_bridge(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("chanx.bridge.installed.project_app", lambda: None)
        assert sorted(Client().get("/health/ready/").json()["checks"]) == ["layer", "layer other"]

    def test_no_transaction_is_opened(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
        # pytest-django refuses any use of the database.
        assert Client().get("/health/live/").status_code == 200
        assert Client().get("/health/ready/").status_code in (200, 503)


class TestFastAPI:
    async def test_a_layer_that_nobody_registered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("chanx.bridge.installed.project_app", lambda: None)
        app = FastAPI()
        app.include_router(health_router(layers=["nothing"]))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://site") as client:
            answer = await client.get("/ready/")
            assert (answer.status_code, answer.json()["checks"]) == (503, {"layer nothing": {"status": "unavailable"}})
            assert (await client.head("/live/")).status_code == 200
            assert app.openapi()["paths"] == {}

    async def test_without_a_layer_and_with_a_bridge_of_its_own(self, bridge: Bridge) -> None:
        app = FastAPI()
        app.include_router(health_router(bridge, layers=()))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://site") as client:
            assert list((await client.get("/ready/")).json()["checks"]) == ["store"]
