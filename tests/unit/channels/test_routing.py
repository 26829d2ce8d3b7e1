"""path, re_path and include: which consumer a URL reaches, and with which parameters."""

from typing import Any

import pytest
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.testing import WebsocketCommunicator

from chanx.channels.routing import include, path, re_path
from chanx.errors import ConfigurationError
from tests.unit.channels import routed
from tests.unit.channels.routed import Default, Inner


class Middleware:
    """A middleware that says nothing of what it wraps but by the usual attribute."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, *arguments: Any) -> None:
        await self.app(*arguments)


async def reached(application: Any, url: str) -> Any:
    """What the consumer at a URL says of itself."""
    client = WebsocketCommunicator(application, url)
    assert (await client.connect())[0]
    answer = await client.receive_json_from()
    await client.disconnect()
    return answer


APPLICATIONS = {
    "by name": lambda: URLRouter([path("api/", include("tests.unit.channels.routed"))]),
    "module": lambda: URLRouter([path("api/", include(routed))]),
    "router": lambda: URLRouter([path("api/", include(URLRouter(routed.router.routes)))]),
    "regex": lambda: URLRouter([re_path("^api/", include(routed))]),
    "in middleware": lambda: URLRouter([path("api/", Middleware(include(routed)))]),
    "in middleware, regex": lambda: URLRouter([re_path(r"^api/", Middleware(include(routed)))]),
    "nested": lambda: URLRouter([path("", include(URLRouter([path("api/", include(routed))])))]),
    "whole": lambda: ProtocolTypeRouter(
        {"websocket": AuthMiddlewareStack(URLRouter([path("api/", Middleware(include(routed)))]))}
    ),
}


@pytest.mark.django_db(transaction=True)  # the authentication middleware looks after connections of earlier tests
@pytest.mark.parametrize("application", APPLICATIONS)
async def test_an_included_route_is_reached_through_its_prefix(application: str) -> None:
    app = APPLICATIONS[application]()
    assert await reached(app, "/api/room/5/") == {"consumer": "Inner", "pk": 5, "kind": "room"}
    assert await reached(app, "/api/") == {"consumer": "Default"}
    nowhere = WebsocketCommunicator(app, "/api/room/five/")  # whose connect() would wait for a second
    with pytest.raises(ValueError, match="No route found"):
        await app(nowhere.scope, None, None)


async def test_parameters_of_a_prefix_and_of_a_route_come_together() -> None:
    routes = URLRouter([path("x/<slug:name>", Inner.as_asgi()), re_path(r"^y/(?P<name>[a-z]+)/$", Inner.as_asgi())])
    app = URLRouter([re_path(r"^v(?P<version>\d+)/", Middleware(include(routes)))])
    assert await reached(app, "/v2/x/a-b") == {"consumer": "Inner", "version": "2", "name": "a-b"}
    assert await reached(app, "/v2/y/ab/") == {"consumer": "Inner", "version": "2", "name": "ab"}


async def test_the_next_route_is_tried_after_an_included_router_that_has_none() -> None:
    app = URLRouter([path("api/", include(URLRouter([]))), path("api/x", Inner.as_asgi())])
    assert await reached(app, "/api/x") == {"consumer": "Inner"}


async def test_a_consumer_class_is_made_an_application() -> None:
    app = URLRouter([path("x", Inner), re_path("^y$", Default)])
    assert await reached(app, "/x") == {"consumer": "Inner"}
    assert await reached(app, "/y") == {"consumer": "Default"}


def test_a_route_has_its_name_and_arguments() -> None:
    route = routed.router.routes[0]
    assert (route.name, route.default_args) == ("room", {"kind": "room"})
    assert routed.router.routes[1].name is None


def test_include_returns_the_router_itself() -> None:
    assert include("tests.unit.channels.routed") is include(routed) is include(routed.router) is routed.router


@pytest.mark.parametrize("source", ["tests.unit.channels.client", pytest, Inner])
def test_include_of_what_has_no_router(source: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"no URLRouter in .* write `router = URLRouter"):
        include(source)


def test_a_view_that_is_no_application() -> None:
    with pytest.raises(ConfigurationError, match=r"'x' is no ASGI application: route to MyConsumer.as_asgi\(\)"):
        path("x", "x")
