"""Message classes: what a subclass has to declare, and what its actions are."""

from __future__ import annotations

from abc import ABC
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from chanx.messages.base import BaseChannelEvent, BaseMessage, message_actions
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import AuthenticationMessage, AuthenticationPayload, ErrorMessage, PongMessage


class Word(StrEnum):
    GO = "go"


class Plain(BaseMessage):
    action: Literal["plain"]
    payload: int


class Several(BaseMessage):
    action: Literal["one", "two"] = "one"
    payload: None = None


class Described(BaseMessage):
    action: Annotated[Literal[Word.GO], Field(description="Go.")] = Word.GO
    payload: None = None


class Shared(BaseMessage, ABC):
    room: str = "hall"


class OfShared(Shared):
    action: Literal["of_shared"] = "of_shared"
    payload: None = None


class Renamed(OfShared):
    action: Literal["renamed"] = "renamed"  # type: ignore[assignment] # the point of the test


def test_a_message_without_an_action_of_its_own_is_refused() -> None:
    with pytest.raises(TypeError, match="must define an 'action' field"):

        class Nameless(BaseMessage):
            payload: int


def test_an_action_that_is_no_literal_is_refused() -> None:
    with pytest.raises(TypeError, match="requires the field 'action' to be a `Literal` type"):

        class Vague(BaseMessage):
            action: str = "vague"
            payload: int


def test_a_class_with_abc_among_its_bases_needs_no_action_and_its_children_do() -> None:
    assert message_actions(Shared) == ()
    assert message_actions(OfShared) == ("of_shared",)
    with pytest.raises(TypeError, match="must define an 'action' field"):

        class Child(Shared):
            payload: int


@pytest.mark.parametrize(
    ("model", "actions"),
    [(Plain, ("plain",)), (Several, ("one", "two")), (Described, ("go",)), (Renamed, ("renamed",))],
)
def test_the_actions_are_the_values_of_the_literal(model: type[BaseMessage], actions: tuple[str, ...]) -> None:
    assert message_actions(model) == actions


def test_a_payload_type_may_be_defined_later_and_an_action_needs_no_default() -> None:
    class Early(BaseMessage):
        action: Literal["early"]
        payload: Later

    class Later(PingMessage):
        pass

    Early.model_rebuild(_types_namespace={"Later": Later})
    assert Early(action="early", payload=Later()).payload == Later()


@pytest.mark.parametrize(
    ("message", "frame"),
    [
        (PongMessage(), '{"action":"pong","payload":null}'),
        (ErrorMessage(payload={"detail": "No"}), '{"action":"error","payload":{"detail":"No"}}'),
        (
            AuthenticationMessage(payload=AuthenticationPayload(status_code=200, status_text="OK")),
            '{"action":"authentication","payload":{"status_code":200,"status_text":"OK","data":null}}',
        ),
    ],
)
def test_a_frame_has_every_declared_field(message: BaseMessage, frame: str) -> None:
    assert message.model_dump_json() == frame


def test_unknown_keys_are_ignored() -> None:
    data: dict[str, Any] = {"action": "ping", "payload": None, "extra": 1}
    assert PingMessage.model_validate(data) == PingMessage()


class TestOtherDiscriminators:
    """A type told apart by another Literal field has no action of its own."""

    class Said(BaseMessage):
        payload: str
        type: Literal["said"] = "said"

    class Cried(Said):
        type: Literal["cried"] = "cried"  # type: ignore[assignment] # the point of the test
        volume: Literal["loud"] = "loud"

    def test_it_has_only_that_field(self) -> None:
        message = self.Said(payload="a")
        assert message.model_dump() == {"payload": "a", "type": "said"}
        assert self.Said.model_validate_json('{"type":"said","payload":"a"}') == message
        assert list(self.Said.model_json_schema()["properties"]) == ["payload", "type"]

    def test_action_reads_as_that_field(self) -> None:
        assert self.Said(payload="a").action == "said"
        assert self.Cried(payload="a").action == "cried"
        assert message_actions(self.Cried) == ("cried",)
        assert self.Cried(payload="a").model_dump() == {"payload": "a", "type": "cried", "volume": "loud"}

    def test_any_literal_field_can_be_asked_for(self) -> None:
        assert message_actions(self.Cried, "volume") == ("loud",)
        assert message_actions(self.Cried, "elsewhere") == ("cried",)

    def test_a_payload_is_none(self) -> None:
        with pytest.raises(TypeError, match="must define an 'action' field"):

            class Nameless(BaseMessage):
                payload: Literal["a"]


class TestChannelEvents:
    """Events with a ``handler``."""

    def test_it_has_to_be_a_literal(self) -> None:
        with pytest.raises(TypeError, match="must define a 'handler' field"):

            class Nameless(BaseChannelEvent):
                payload: int

        with pytest.raises(TypeError, match="requires the field 'handler' to be a `Literal` type"):

            class Vague(BaseChannelEvent):
                handler: str
                payload: int

        class Shared(BaseChannelEvent, ABC):
            payload: int

        class Good(Shared):
            handler: Literal["good"] = "good"

        assert Good(payload=1).model_dump() == {"handler": "good", "payload": 1}
        assert message_actions(Good) == ("good",)
