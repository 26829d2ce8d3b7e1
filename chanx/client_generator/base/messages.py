"""Messages: the bases of the generated ones, those of the system, and reading them from decoded frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Generic, Literal, TypeVar, cast, get_args

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)
from pydantic_core import from_json, to_json

Frame = dict[str, Any]
"""A decoded frame, all its keys included."""

ACTION: Final = "action"
COMPLETIONS: Final = frozenset({"complete", "event_complete", "group_complete"})

MessageT = TypeVar("MessageT")


class ProtocolModel(BaseModel):
    """The base of generated types. Keys that a newer server may add are ignored.

    A field that is None because nobody set it is left out of what is sent, unless it can be nothing but None.
    """

    model_config = ConfigDict(populate_by_name=True, protected_namespaces=())

    @model_serializer(mode="wrap")
    def _without_what_was_not_set(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = handler(self)
        for name, field in type(self).model_fields.items():
            is_optional = field.annotation not in (None, type(None))
            if is_optional and name not in self.model_fields_set and getattr(self, name) is None:
                content.pop(name, None)
                content.pop(field.serialization_alias or name, None)
        return content


class ProtocolMessage(ProtocolModel):
    """The base of generated messages."""


class UnknownMessage(ProtocolModel):
    """A message of a type that this client was not generated with; ``content`` is all of it."""

    action: str | None = None
    content: dict[str, Any] = Field(default_factory=dict[str, Any])


class ErrorMessage(ProtocolMessage):
    """What went wrong: ``{"detail": …}``, ``{"reason": …, "detail": …}``, or a list of ``{"type", "loc", "msg"}``."""

    action: Literal["error"] = "error"
    payload: Any = None


class AuthenticationPayload(ProtocolModel):
    """The outcome as an HTTP status."""

    status_code: int = Field(validation_alias=AliasChoices("status_code", "statusCode"))
    status_text: str = Field("", validation_alias=AliasChoices("status_text", "statusText"))
    data: Any = None


class AuthenticationMessage(ProtocolMessage):
    """The result of signing in, which the server sends before anything else."""

    action: Literal["authentication"] = "authentication"
    payload: AuthenticationPayload


class MessageTypes(Generic[MessageT]):
    """Message types by the value of the key that tells them apart.

    Types that share a value are tried in order.
    """

    def __init__(self, types: Iterable[type[BaseModel]], discriminator: str = ACTION) -> None:
        self._discriminator = discriminator
        self._types: dict[str, list[tuple[type[BaseModel], str]]] = {}
        for model in types:
            key, tags = tags_of(model, discriminator)
            for tag in tags:
                self._types.setdefault(tag, []).append((model, key))

    def read(self, frame: Frame) -> MessageT | UnknownMessage:
        """The message in a frame. Raises ``ValidationError`` where it is of a known type, but not what that says."""
        tag = frame.get(self._discriminator)
        models = self._types.get(tag) if isinstance(tag, str) else None
        if models is None:
            return UnknownMessage(action=tag if isinstance(tag, str) else None, content=frame)
        for model, key in models[:-1]:
            try:
                return cast("MessageT", model.model_validate(frame if key in frame else {**frame, key: tag}))
            except ValidationError:
                continue
        model, key = models[-1]
        return cast("MessageT", model.model_validate(frame if key in frame else {**frame, key: tag}))


def tags_of(model: type[BaseModel], discriminator: str) -> tuple[str, tuple[str, ...]]:
    """The key that a type is told apart by, and the values of the ``Literal`` that it has there.

    That is the discriminator, or ``action``: events of jobs are written with the latter, whatever the consumer has.
    Raises ``TypeError`` for a type without.
    """
    for key in (discriminator, ACTION):
        for name, field in model.model_fields.items():
            values = get_args(field.annotation) if key in (name, field.alias, field.validation_alias) else ()
            if values and all(isinstance(value, str) for value in values):
                return key, values
    raise TypeError(f"{model.__name__} needs a field {discriminator!r} that is a Literal: that tells messages apart.")


def frame_of(message: BaseModel) -> Frame:
    """A message as a frame to send."""
    return message.model_dump(mode="json", by_alias=True)


def encoded(frame: Mapping[str, Any]) -> str:
    return to_json(frame).decode()


def decoded(text: str | bytes) -> Frame | None:
    """A frame, or None for what is none."""
    try:
        content = from_json(text)
    except ValueError:
        return None
    return cast("Frame", content) if isinstance(content, dict) else None
