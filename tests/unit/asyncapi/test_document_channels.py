"""Channels: their keys, addresses, parameters and what is said about them."""

from typing import Any

import pytest

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.core.decorators import channel, ws_handler
from chanx.core.topic import Topic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from chanx.routing.discovery import RouteInfo


class Consumer(ChanxWebsocketConsumerMixin[Any]):
    """What every consumer here is: not what each of them is."""

    @ws_handler
    async def handle_ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()


class LiveScoresConsumer(Consumer):
    """
    Scores as they come.

        Indented.
    """


class BareConsumer(Consumer):
    pass


@channel(name="front_desk", description="What guests say", tags=["hotel", "guests"])
class DeskConsumer(Consumer):
    """For developers."""


@channel(tags=["hotel"])
class LobbyConsumer(Consumer):
    """The lobby."""


class BackDeskConsumer(DeskConsumer):
    pass


class RoomTopic(Topic):
    """One room."""

    pattern = "room:{hotel}:{number}"
    passthrough_events = (PongMessage,)


@channel(name="bells")
class BellTopic(Topic):
    pattern = "bells"


class HouseConsumer(Consumer):
    topics = (RoomTopic, BellTopic)


class OnlyTopicsConsumer(ChanxWebsocketConsumerMixin[Any]):
    topics = (RoomTopic,)


def channels(*consumers: Any, camelize: bool = False) -> dict[str, Any]:
    routes = [RouteInfo(f"/{number}", None, "ws://localhost", each) for number, each in enumerate(consumers)]
    return AsyncAPIGenerator(routes, camelize=camelize).build_channels()


def of_route(path: str, **params: str) -> Any:
    routes = [RouteInfo(path, None, "ws://localhost", BareConsumer, params or None)]
    (content,) = AsyncAPIGenerator(routes).build_channels().values()
    return content


class TestKeys:
    def test_the_class_name_without_consumer(self) -> None:
        assert list(channels(LiveScoresConsumer)) == ["live_scores"]

    def test_the_name_of_the_decorator_goes_before(self) -> None:
        assert list(channels(DeskConsumer)) == ["front_desk"]

    def test_a_name_is_of_one_class_only(self) -> None:
        """The subclass is another channel."""
        assert list(channels(DeskConsumer, BackDeskConsumer)) == ["front_desk", "back_desk"]

    def test_camelized_but_for_the_title(self) -> None:
        (key, content), *_ = channels(LiveScoresConsumer, camelize=True).items()
        assert (key, content["title"]) == ("liveScores", "live_scores")

    def test_a_consumer_on_two_routes_is_two_channels(self) -> None:
        found = channels(BareConsumer, BareConsumer, BareConsumer)
        assert [(key, content["address"], content["title"]) for key, content in found.items()] == [
            ("bare", "/0", "bare"),
            ("bare_2", "/1", "bare_2"),
            ("bare_3", "/2", "bare_3"),
        ]

    def test_two_that_differ_by_case_only(self) -> None:
        first, second = (type(f"{name}Consumer", (Consumer,), {}) for name in ("a_b", "AB"))
        second.snake_name = "aB"  # type: ignore[attr-defined]
        assert list(channels(first, second, camelize=True)) == ["aB", "aB2"]


class TestContent:
    def test_its_keys_in_their_order(self) -> None:
        assert list(channels(DeskConsumer)["front_desk"]) == ["address", "title", "description", "messages", "tags"]

    def test_what_there_is_not_is_left_out(self) -> None:
        assert list(channels(BareConsumer)["bare"]) == ["address", "title", "messages"]

    def test_of_a_consumer_that_neither_takes_nor_sends_anything(self) -> None:
        silent = type("SilentConsumer", (ChanxWebsocketConsumerMixin,), {})
        assert channels(silent) == {"silent": {"address": "/0", "title": "silent"}}

    def test_the_docstring_without_its_indentation(self) -> None:
        described = channels(LiveScoresConsumer)["live_scores"]["description"]
        assert described == "\nScores as they come.\n\n    Indented.\n"

    def test_the_decorator_describes_it(self) -> None:
        content = channels(DeskConsumer)["front_desk"]
        assert (content["description"], content["tags"]) == ("What guests say", [{"name": "hotel"}, {"name": "guests"}])

    def test_decorated_without_a_description_it_is_the_docstring(self) -> None:
        assert channels(LobbyConsumer)["lobby"]["description"] == "The lobby."

    def test_a_subclass_that_says_nothing_is_described_like_its_base(self) -> None:
        content = channels(BackDeskConsumer)["back_desk"]
        assert (content["description"], len(content["tags"])) == ("What guests say", 2)

    def test_messages_are_sorted_references(self) -> None:
        assert list(channels(BareConsumer)["bare"]["messages"].items()) == [
            ("ping_message", {"$ref": "#/components/messages/ping_message"}),
            ("pong_message", {"$ref": "#/components/messages/pong_message"}),
        ]


class TestAddresses:
    @pytest.mark.parametrize(
        ("path", "params", "address", "descriptions"),
        [
            ("ws/<int:pk>/", {"pk": "int"}, "ws/{pk}/", ["Path parameter for pk (int)"]),
            ("/ws/{name}", {"name": "str"}, "/ws/{name}", ["Path parameter for name (str)"]),
            (r"ws/(?P<pk>\d+)/", {"pk": r"\d+"}, "ws/{pk}/", [r"Path parameter for pk (regex: \d+)"]),
            ("ws/(?P<kind>abc)/", {"kind": "abc"}, "ws/{kind}/", ["Path parameter for kind (regex: abc)"]),
            (
                "ws/<slug:a>/<int:b>/",
                {"a": "slug", "b": "int"},
                "ws/{a}/{b}/",
                ["Path parameter for a (slug)", "Path parameter for b (int)"],
            ),
        ],
    )
    def test_with_parameters(self, path: str, params: dict[str, str], address: str, descriptions: list[str]) -> None:
        content = of_route(path, **params)
        assert content["address"] == address
        assert content["parameters"] == {
            name: {"description": text} for name, text in zip(params, descriptions, strict=True)
        }

    def test_without_parameters(self) -> None:
        content = of_route("/ws/chat/")
        assert content["address"] == "/ws/chat/"
        assert "parameters" not in content


class TestTopics:
    def test_each_is_a_channel_at_the_same_address(self) -> None:
        found = channels(HouseConsumer)
        assert [(key, content["address"]) for key, content in found.items()] == [
            ("house", "/0"),
            ("house_room", "/0"),
            ("house_bells", "/0"),
        ]

    def test_what_it_says_of_itself(self) -> None:
        found = channels(HouseConsumer)
        assert found["house_room"]["x-topic"] == {
            "name": "room",
            "pattern": "room:{hotel}:{number}",
            "parameters": ["hotel", "number"],
        }
        assert found["house_bells"]["x-topic"] == {"name": "bells", "pattern": "bells", "parameters": []}
        assert "x-topic" not in found["house"]

    def test_the_x_topic_stands_before_the_messages(self) -> None:
        content = channels(HouseConsumer)["house_room"]
        assert list(content) == ["address", "title", "description", "x-topic", "messages"]

    def test_a_consumer_without_messages_of_its_own_is_none(self) -> None:
        assert list(channels(OnlyTopicsConsumer)) == ["only_topics_room"]

    def test_the_key_is_the_hosts_name_and_the_topics(self) -> None:
        """So a reader finds the host: it is the key without ``_<name>``; on a second route as well."""
        found = channels(HouseConsumer, HouseConsumer)
        second = {key: content for key, content in found.items() if content["address"] == "/1"}
        hosts = {
            key.removesuffix("_" + content["x-topic"]["name"])
            for key, content in second.items()
            if "x-topic" in content
        }
        assert (hosts, list(second)) == ({"house_2"}, ["house_2", "house_2_room", "house_2_bells"])

    def test_two_of_one_name(self) -> None:
        topics = [type(name, (BellTopic,), {"snake_name": snake}) for name, snake in (("A", "a_b"), ("B", "aB"))]
        consumer = type("TwoConsumer", (HouseConsumer,), {"topics": topics})
        assert list(channels(consumer)) == ["two", "two_a_b", "two_aB_2"]
        assert list(channels(consumer, camelize=True)) == ["two", "twoAB", "twoAB2"]

    def test_a_dedicated_one_has_a_name_of_its_own(self) -> None:
        dedicated = RoomTopic.as_consumer(ChanxWebsocketConsumerMixin)
        (found,) = channels(dedicated).items()
        assert (found[0], found[1]["x-topic"]["name"], found[1]["description"]) == ("room", "room", "One room.")


class TestDiscriminator:
    def test_told_where_it_is_not_action(self) -> None:
        class KindConsumer(Consumer):
            discriminator_field = "kind"
            topics = (RoomTopic,)

        found = channels(KindConsumer, BareConsumer)
        assert [found[key].get("x-discriminator") for key in found] == ["kind", "kind", None]
