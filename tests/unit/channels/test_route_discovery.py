"""The project's ASGI application, and the routes found in it."""

from typing import Any

import pytest
from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.exceptions import ImproperlyConfigured

from chanx.channels.discovery import DjangoRouteDiscovery, get_websocket_routes
from chanx.channels.routing import include, path, re_path
from chanx.channels.utils import get_websocket_application
from chanx.channels.utils.asgi import get_websocket_application as from_asgi
from chanx.core.topic import Topic
from chanx.routing.discovery import RouteInfo, expand_topic_routes
from tests.unit.channels import routed
from tests.unit.channels.routed import Default, Inner


class Discussion(Topic):
    pattern = "discussion:{pk}"


class Host(Inner):
    topics = [Discussion]


websocket_application = AllowedHostsOriginValidator(
    AuthMiddlewareStack(
        URLRouter(
            [
                path("api/", AuthMiddlewareStack(include(routed))),
                re_path(r"^v(?P<version>\d+)/", include(URLRouter([re_path(r"^x/(?P<name>[^/]+)/$", Host.as_asgi())]))),
                path("d/<int:pk>", AuthMiddlewareStack(Discussion.as_consumer().as_asgi())),
                path("foreign", AsyncWebsocketConsumer.as_asgi()),
            ]
        )
    )
)
application = ProtocolTypeRouter({"http": object(), "websocket": websocket_application})
wrapped = AuthMiddlewareStack(application)
only_http = ProtocolTypeRouter({"http": object()})
no_mapping = object()


@pytest.fixture
def project(settings: Any) -> None:
    settings.ASGI_APPLICATION = f"{__name__}.application"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("application", websocket_application),
        ("wrapped", websocket_application),
        ("only_http", None),
        ("no_mapping", None),
    ],
)
def test_the_websocket_application_of_a_project(settings: Any, name: str, expected: Any) -> None:
    settings.ASGI_APPLICATION = f"{__name__}.{name}"
    assert get_websocket_application() is expected
    assert DjangoRouteDiscovery().get_websocket_application() is expected


def test_a_project_without_an_application(settings: Any) -> None:
    settings.ASGI_APPLICATION = None
    assert get_websocket_application is from_asgi
    assert get_websocket_application() is None
    assert get_websocket_routes() == []
    settings.ASGI_APPLICATION = "no.such.application"
    with pytest.raises(ImproperlyConfigured):
        get_websocket_application()


def test_the_routes_of_a_project(project: None) -> None:
    routes = get_websocket_routes()
    assert routes == DjangoRouteDiscovery().discover_routes("ws://localhost:8000")
    assert [(info.path, info.channel_path, info.consumer.__name__, info.path_params) for info in routes] == [
        ("api/room/<int:pk>/", "api/room/{pk}/", "Inner", {"pk": "int"}),
        ("api/", "api/", "Default", None),
        (r"v(?P<version>\d+)/x/(?P<name>[^/]+)/", "v{version}/x/{name}/", "Host", {"version": r"\d+", "name": "[^/]+"}),
        ("d/<int:pk>", "d/{pk}", "DiscussionConsumer", {"pk": "int"}),
    ]
    assert {info.base_url for info in get_websocket_routes("wss://example.org")} == {"wss://example.org"}


def test_the_topics_of_a_project(project: None) -> None:
    expanded = expand_topic_routes(get_websocket_routes())
    assert [(info.consumer, info.host) for info in expanded] == [
        (Inner, None),
        (Default, None),
        (Discussion, Host),
        (Discussion, None),
    ]


def test_a_router_by_itself() -> None:
    routes: list[RouteInfo] = []
    DjangoRouteDiscovery().extract_routes_from_router(routed.router, "pre/", routes, "ws://x")
    assert [info.path for info in routes] == ["pre/room/<int:pk>/", "pre/"]
