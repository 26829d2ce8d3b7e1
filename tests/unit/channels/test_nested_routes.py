"""Random trees of routers: every route that is discovered is reached where discovery says, with its parameters."""

import asyncio
import re
from typing import Any

from channels.routing import URLRouter
from hypothesis import given
from hypothesis import strategies as st

from chanx.channels.discovery import DjangoRouteDiscovery
from chanx.channels.routing import include, path, re_path
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.routing.discovery import RouteInfo
from chanx.utils.scope import path_params

VALUES = {"int": "17", "slug": "a-b", r"\d+": "42", "[^/]+": "x.y"}
CONVERTERS = ("int", "slug")
EXPRESSIONS = (r"\d+", "[^/]+")


class Probe(AsyncJsonWebsocketConsumer):
    """Notes what it was reached with, instead of serving."""

    reached: list[tuple[str, dict[str, Any]]] = []
    label = ""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        Probe.reached.append((self.label, path_params(scope)))


class Middleware:
    def __init__(self, app: Any) -> None:
        self.inner = app

    async def __call__(self, *arguments: Any) -> None:
        await self.inner(*arguments)


@st.composite
def routers(draw: st.DrawFn, place: str = "r", depth: int = 0) -> URLRouter:
    """A router whose routes have distinct literals, so that each leads to one consumer only."""
    routes: list[Any] = []
    for number in range(draw(st.integers(1, 3))):
        here = f"{place}{number}"
        is_router = depth < 3 and draw(st.booleans())
        application: Any
        if is_router:
            application = include(draw(routers(here, depth + 1)))
        else:
            application = type("Leaf", (Probe,), {"label": here}).as_asgi()
        if draw(st.booleans()):
            application = Middleware(application)
        end = "/" if is_router else draw(st.sampled_from(["", "/"]))
        if draw(st.booleans()):
            parameter = draw(st.sampled_from(["", *(f"-<{name}:p{here}>" for name in CONVERTERS)]))
            routes.append(path(f"{here}{parameter}{end}", application))
        else:
            parameter = draw(st.sampled_from(["", *(f"-(?P<p{here}>{regex})" for regex in EXPRESSIONS)]))
            stop = "" if is_router else "$"
            routes.append(re_path(f"^{here}{parameter}{end}{stop}", application))
    return URLRouter(routes)


def label_of(info: RouteInfo) -> str:
    return str(info.consumer.label)  # type: ignore[union-attr] # a Probe


async def connect(router: URLRouter, url: str) -> None:
    await router({"type": "websocket", "path": url}, None, None)


@given(routers())
def test_every_discovered_route_is_reached_with_its_parameters(router: URLRouter) -> None:
    routes: list[RouteInfo] = []
    DjangoRouteDiscovery().extract_routes_from_router(router, "", routes, "ws://x")
    assert routes
    assert len({label_of(info) for info in routes}) == len(routes)
    for info in routes:
        values = {name: VALUES[kind] for name, kind in (info.path_params or {}).items()}
        Probe.reached.clear()
        asyncio.run(connect(router, "/" + info.channel_path.format(**values)))
        [(label, params)] = Probe.reached
        assert label == label_of(info)
        assert {name: str(value) for name, value in params.items()} == values
        assert set(re.findall(r"\{(\w+)\}", info.channel_path)) == set(values)
