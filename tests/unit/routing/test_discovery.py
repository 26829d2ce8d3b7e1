"""Routes as values, and topics on them as routes of their own."""

from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from chanx.routing.discovery import RouteDiscovery, RouteInfo, consumer_of, expand_topic_routes

BASE = "ws://testserver"


class Room(Topic):
    pattern = "room:{id}"


class News(Topic):
    pattern = "news"


class Plain(AsyncJsonWebsocketConsumer): ...


class TopicsOnly(AsyncJsonWebsocketConsumer):
    topics = [Room, News]


class Both(TopicsOnly):
    @ws_handler
    async def ping(self, message: PingMessage) -> None: ...


def route(consumer: Any, params: Mapping[str, str] | None = None) -> RouteInfo:
    return RouteInfo("ws/<int:pk>/", consumer, BASE, consumer, params)


def test_a_route_is_frozen_and_has_a_plain_path() -> None:
    info = route(Plain)
    assert info.channel_path == "ws/{pk}/"
    assert (info.path_params, info.topic, info.host) == (None, None, None)
    with pytest.raises(FrozenInstanceError):
        info.path = "other"  # type: ignore[misc] # what is tested


def test_a_consumer_without_topics_is_left_as_it_is() -> None:
    info = route(Plain, {"pk": "int"})
    assert expand_topic_routes([info]) == [info]


def test_a_host_is_kept_only_if_it_handles_messages_itself() -> None:
    infos = expand_topic_routes([route(TopicsOnly), route(Both)])
    assert [(info.consumer, info.topic, info.host) for info in infos] == [
        (Room, Room, TopicsOnly),
        (News, News, TopicsOnly),
        (Both, None, None),
        (Room, Room, Both),
        (News, News, Both),
    ]
    assert {(info.path, info.base_url) for info in infos} == {("ws/<int:pk>/", BASE)}


def test_a_host_is_kept_for_what_it_sends() -> None:
    """Given hosts that take no messages, when they send some of their own, then they keep their routes for these."""

    class OfEvents(TopicsOnly):
        @event_handler
        async def ping(self, event: PingMessage) -> PongMessage:
            return PongMessage()

    class Greeting(TopicsOnly):
        sends = [PongMessage]

    infos = expand_topic_routes([route(OfEvents), route(Greeting)])
    assert [info.consumer for info in infos] == [OfEvents, Room, News, Greeting, Room, News]


def test_a_dedicated_route_becomes_its_topic() -> None:
    infos = expand_topic_routes([route(Room.as_consumer()), route(Room.as_consumer(TopicsOnly))])
    assert [(info.topic, info.host is None) for info in infos] == [(Room, True), (Room, True), (News, False)]
    assert expand_topic_routes(infos) == infos


def test_an_application_without_websockets_has_no_routes() -> None:
    class Nowhere(RouteDiscovery):
        def get_websocket_application(self) -> Any:
            return None

        def extract_routes_from_router(self, router: Any, prefix: str, routes: list[RouteInfo], base_url: str) -> None:
            raise AssertionError("There is no router")

    assert Nowhere().discover_routes() == []


def test_the_consumer_of_an_application() -> None:
    class Middleware:
        def __init__(self, app: Any) -> None:
            self.app = app

    assert consumer_of(Middleware(Plain.as_asgi())) is Plain
    assert consumer_of(Middleware(print)) is None
