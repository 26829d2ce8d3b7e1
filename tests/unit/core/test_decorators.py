"""The decorators: where the types come from, and what is refused."""

import inspect
from typing import Any, Literal

import pytest

from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.core.handlers import CHANNEL_ATTRIBUTE, HANDLER_ATTRIBUTE, ChannelInfo, HandlerInfo
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import ErrorMessage, PongMessage


class Hello(BaseMessage):
    action: Literal["hello"] = "hello"
    payload: str


def info_of(function: Any) -> HandlerInfo:
    info = getattr(function, HANDLER_ATTRIBUTE)
    assert isinstance(info, HandlerInfo)
    return info


def test_types_come_from_the_annotations() -> None:
    @ws_handler
    async def ping(self: Any, message: PingMessage) -> PongMessage:
        """Docs."""
        return PongMessage()

    assert info_of(ping) == HandlerInfo("message", PingMessage, (PongMessage,))
    assert (ping.__name__, ping.__doc__, inspect.iscoroutinefunction(ping)) == ("ping", "Docs.", True)


def test_types_come_from_annotations_that_are_text_and_from_classes_of_the_function_around() -> None:
    class Local(BaseMessage):
        action: Literal["local"] = "local"
        payload: None = None

    class Holder:
        class Inner(BaseMessage):
            action: Literal["inner"] = "inner"
            payload: None = None

        @ws_handler
        async def local(self, message: "Local") -> "Inner | PongMessage | None": ...

        @event_handler(tags=["x"])
        async def inner(self, event: "Inner") -> "Local": ...

    assert info_of(Holder.local) == HandlerInfo("message", Local, (Holder.Inner, PongMessage))
    assert info_of(Holder.inner) == HandlerInfo("event", Holder.Inner, (Local,), tags=("x",))


def test_what_is_given_explicitly_wins() -> None:
    @ws_handler(
        action="greet",
        input_type=Hello,
        output_type=PongMessage,
        description="Says hello.",
        summary="Hello",
        tags=["a", "b"],
    )
    async def hello(self: Any, message: PingMessage) -> ErrorMessage: ...

    assert info_of(hello) == HandlerInfo("message", Hello, (PongMessage,), "greet", "Says hello.", "Hello", ("a", "b"))


@pytest.mark.parametrize(
    "outputs", [Hello | PongMessage, [Hello, PongMessage], (Hello, PongMessage), [Hello | PongMessage]]
)
def test_an_output_type_may_be_a_union_a_list_or_a_tuple(outputs: Any) -> None:
    @event_handler(output_type=outputs)
    async def hello(self: Any, event: Hello) -> None: ...

    assert info_of(hello).output_types == (Hello, PongMessage)


def test_no_message_types_in_a_return_annotation_are_no_outputs() -> None:
    @ws_handler
    async def anything(self: Any, message: Hello) -> Any: ...

    @ws_handler
    async def unannotated(self: Any, message: Hello): ...  # type: ignore[no-untyped-def] # the point of the test

    assert info_of(anything).output_types == info_of(unannotated).output_types == ()


def test_an_input_type_that_cannot_be_derived_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Must provide input type for .*nothing\(\)"):

        @ws_handler
        async def nothing(self: Any) -> None: ...

    with pytest.raises(ValueError, match=r"Must provide input type .*'Nowhere'.*Define or import the type"):

        @event_handler
        async def nowhere(self: Any, event: "Nowhere") -> None: ...  # type: ignore[name-defined] # noqa: F821


@pytest.mark.parametrize(
    ("wrong", "text"), [(int, "must be a BaseMessage subclass"), (BaseMessage, "no Literal action")]
)
def test_an_input_type_that_is_no_message_type_is_refused(wrong: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):

        @ws_handler
        async def handler(self: Any, message: wrong) -> None: ...


def test_an_output_type_that_is_no_message_type_is_refused() -> None:
    with pytest.raises(TypeError, match="must be a BaseMessage subclass"):

        @ws_handler(output_type=[PongMessage, int])
        async def handler(self: Any, message: Hello) -> None: ...


def test_channel_returns_the_same_class_with_its_metadata() -> None:
    class Anything:
        pass

    assert channel(name="any", description="Text", tags=["t"])(Anything) is Anything
    assert getattr(Anything, CHANNEL_ATTRIBUTE) == ChannelInfo("any", "Text", ("t",))
