"""Camelize: the document has the names that the frames have, of each consumer and topic."""

from types import FunctionType
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, Field, create_model

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.bridge.web.list_topic import JobListTopic
from chanx.bridge.web.topic import JobTopic
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.base import BaseMessage
from chanx.routing.discovery import RouteInfo
from chanx.utils.json_schema import SchemaOf


class Author(BaseModel):
    """Who wrote ``first_name``."""

    first_name: str
    URL: str = ""
    by_alias: Annotated[str, Field(alias="by_alias_")] = ""
    user_data: dict[str, Any] = {"a_b": 1}
    nearly: int = 1
    near_ly: int = 1
    nearLy: int = 1
    best_friend: "Author | None" = None


class Cat(BaseModel):
    pet_kind: Literal["cat"]
    life_count: int = 9


class Dog(BaseModel):
    pet_kind: Literal["dog"]


class PostPayload(BaseModel):
    main_author: Author
    pet_here: Annotated[Cat | Dog, Field(discriminator="pet_kind")] = Cat(pet_kind="cat")
    raw_cat: Annotated[dict[str, Any], SchemaOf(Cat)]


class PostMessage(BaseMessage):
    action: Literal["post_message"] = "post_message"
    payload: PostPayload


class BaseConsumer(ChanxWebsocketConsumerMixin[Any]):
    @ws_handler
    async def handle_post(self, message: PostMessage) -> None: ...


class PostConsumer(BaseConsumer):
    pass


class PlainConsumer(BaseConsumer):
    camelize = False


class CamelConsumer(BaseConsumer):
    camelize = True


class PostTopic(Topic):
    pattern = "post:{post_id}"
    passthrough_events = (PostMessage,)


def document(*consumers: Any, camelize: bool) -> dict[str, Any]:
    routes = [RouteInfo(f"/{number}", None, "ws://localhost", each) for number, each in enumerate(consumers)]
    return AsyncAPIGenerator(routes, camelize=camelize).generate()


def properties(content: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = content["components"]["schemas"][name]["properties"]
    return found


class TestNames:
    def test_fields(self) -> None:
        """One that has an alias is taken by either name: it is told by the one that it is written by."""
        found = document(PostConsumer, camelize=True)
        author = found["components"]["schemas"]["Author"]
        assert list(author["properties"]) == [
            "firstName",
            "URL",
            "byAlias",
            "userData",
            "nearly",
            "near_ly",
            "nearLy",
            "bestFriend",
        ]
        assert author["required"] == ["firstName"]

    def test_titles_descriptions_user_data_and_values_stay(self) -> None:
        found = document(PostConsumer, camelize=True)
        author = found["components"]["schemas"]["Author"]
        assert author["title"] == "Author"
        assert author["description"] == "Who wrote ``first_name``."
        assert author["properties"]["firstName"]["title"] == "First Name"
        assert author["properties"]["userData"]["default"] == {"a_b": 1}
        assert properties(found, "PostMessage")["action"]["const"] == "post_message"

    def test_keys_of_the_document(self) -> None:
        found = document(PostConsumer, camelize=True)
        assert list(found["operations"]) == ["handlePost"]
        assert found["components"]["messages"] == {
            "postMessage": {"payload": {"$ref": "#/components/schemas/PostMessage"}}
        }
        assert found["channels"]["post"]["messages"] == {
            "postMessage": {"$ref": "#/components/messages/postMessage"},
        }

    def test_keys_with_numbers(self) -> None:
        """
        Given: three operations of one name, whose messages have names that are one in snake_case
        When: the document is made
        Then: the numbers behind their keys are as in camelCase
        """

        async def say(self: Any, message: Any) -> None: ...

        handlers: dict[str, Any] = {}
        for name in ("SayIt", "Say_It", "SayIT"):
            of: Any = create_model(name, __base__=BaseMessage, action=(cast(Any, Literal[name]), name))
            handlers[name] = ws_handler(action="say_it", input_type=of)(FunctionType(say.__code__, {}))
        consumer = type("Me", (ChanxWebsocketConsumerMixin,), handlers)
        found = document(consumer, camelize=True)
        assert list(found["operations"]) == ["sayIt", "meSayIt", "meSayIt2"]
        assert list(found["channels"]["me"]["messages"]) == ["meSayIt", "meSayIt2", "sayIt"]

    def test_the_discriminator_of_a_union(self) -> None:
        union = properties(document(PostConsumer, camelize=True), "PostPayload")["petHere"]
        assert union["discriminator"] == "petKind"
        assert union["default"] == {"petKind": "cat", "lifeCount": 9}

    def test_what_is_only_described_stays(self) -> None:
        """``SchemaOf`` describes user data, which no frame renames: its class is there in both forms."""
        found = document(PostConsumer, camelize=True)
        raw = properties(found, "PostPayload")["rawCat"]["$ref"].rsplit("/", 1)[-1]
        assert list(properties(found, "Cat")) == ["petKind", "lifeCount"]
        assert list(properties(found, raw)) == ["pet_kind", "life_count"]


class TestWhoseNames:
    def test_a_consumer_that_says_nothing_is_as_the_document(self) -> None:
        plain = document(PostConsumer, camelize=False)
        assert "first_name" in properties(plain, "Author")
        assert list(plain["operations"]) == ["handle_post"]

    def test_a_consumers_own_word_counts_for_its_frames(self) -> None:
        found = document(PlainConsumer, camelize=True)
        assert "first_name" in properties(found, "Author")
        assert list(found["operations"]) == ["handlePost"]
        found = document(CamelConsumer, camelize=False)
        assert "firstName" in properties(found, "Author")
        assert list(found["operations"]) == ["handle_post"]

    def test_one_class_in_both_cases_is_two_schemas(self) -> None:
        found = document(PlainConsumer, CamelConsumer, camelize=False)
        assert "first_name" in properties(found, "Author")
        assert "firstName" in properties(found, "CamelAuthor")

    def test_a_topics_frames_are_as_its_consumer_says(self) -> None:
        class HostConsumer(ChanxWebsocketConsumerMixin[Any]):
            camelize = True
            topics = (PostTopic,)

        assert "firstName" in properties(document(HostConsumer, camelize=False), "Author")
        dedicated = PostTopic.as_consumer(ChanxWebsocketConsumerMixin, camelize=True)
        assert "firstName" in properties(document(dedicated, camelize=False), "Author")


class TestFixedProtocols:
    """Clients know the topics of jobs as they are."""

    def test_are_the_same_in_any_document(self) -> None:
        class JobsConsumer(ChanxWebsocketConsumerMixin[Any]):
            topics = (JobTopic, JobListTopic)

        plain, camel = (
            document(JobsConsumer, camelize=camelize)["components"]["schemas"] for camelize in (False, True)
        )
        assert camel == plain

    def test_what_a_subclass_adds_is_as_its_consumer_says(self) -> None:
        class ImportTopic(JobTopic):
            @event_handler(output_type=PostMessage)
            async def posted(self, event: PostMessage) -> None: ...

        class JobsConsumer(ChanxWebsocketConsumerMixin[Any]):
            topics = (ImportTopic,)

        found = document(JobsConsumer, camelize=True)
        assert "firstName" in properties(found, "Author")
        assert "job_id" in properties(found, "JobSnapshot")
