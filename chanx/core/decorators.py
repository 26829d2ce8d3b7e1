"""The decorators that mark what a consumer or a topic handles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from chanx.core.annotations import caller_namespace, input_type_of, output_types_of
from chanx.core.handlers import CHANNEL_ATTRIBUTE, HANDLER_ATTRIBUTE, ChannelInfo, HandlerInfo, HandlerKind

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Class = TypeVar("_Class", bound=type)


@overload
def ws_handler(func: _Function, /) -> _Function: ...
@overload
def ws_handler(
    func: None = None,
    *,
    action: str | None = None,
    input_type: type[Any] | None = None,
    output_type: Any = None,
    description: str | None = None,
    summary: str | None = None,
    tags: Sequence[str] | None = None,
) -> Callable[[_Function], _Function]: ...
def ws_handler(
    func: Any = None,
    *,
    action: str | None = None,
    input_type: type[Any] | None = None,
    output_type: Any = None,
    description: str | None = None,
    summary: str | None = None,
    tags: Sequence[str] | None = None,
) -> Any:
    """Mark a method that handles messages from the client; what it returns is sent to that client.

    ``input_type``: the message type, else the annotation of the first parameter after self; its ``action`` is what
    frames are routed by. ``output_type``: what it may send, one type, a union, a list or a tuple, else the return
    annotation. ``action`` names the AsyncAPI operation (default: the method's name), ``description``, ``summary`` and
    ``tags`` describe it. The method itself stays as it is. Raises ``ValueError`` or ``TypeError`` for types that
    cannot be used.
    """

    mark = _Marker(
        kind="message",
        input_type=input_type,
        output_type=output_type,
        operation=action,
        description=description,
        summary=summary,
        tags=tuple(tags or ()),
        namespace=caller_namespace(1),
    )
    return mark if func is None else mark(func)


@overload
def event_handler(func: _Function, /) -> _Function: ...
@overload
def event_handler(
    func: None = None,
    *,
    input_type: type[Any] | None = None,
    output_type: Any = None,
    description: str | None = None,
    summary: str | None = None,
    tags: Sequence[str] | None = None,
) -> Callable[[_Function], _Function]: ...
def event_handler(
    func: Any = None,
    *,
    input_type: type[Any] | None = None,
    output_type: Any = None,
    description: str | None = None,
    summary: str | None = None,
    tags: Sequence[str] | None = None,
) -> Any:
    """Mark a method that handles events from the server side; what it returns is sent to the connection's client.

    Events of one connection, those of its topics and broadcasts included, are handled strictly one after the other, in
    the order in which the channel layer delivers them: a handler that takes long delays the next event of its
    connection, but no frame of the client and no other connection. The parameters are those of ``ws_handler``, without
    ``action``.

    Each connection's handler is given an event of its own. One whose model is frozen (``model_config =
    ConfigDict(frozen=True)``, by which you say that nobody changes anything in it) is validated once for all
    connections of a process, and shared; and a frozen reply, the event itself say, is encoded once for all who send the
    same object. For large events that is worth it.
    """

    mark = _Marker(
        kind="event",
        input_type=input_type,
        output_type=output_type,
        operation=None,
        description=description,
        summary=summary,
        tags=tuple(tags or ()),
        namespace=caller_namespace(1),
    )
    return mark if func is None else mark(func)


def channel(
    *, name: str | None = None, description: str | None = None, tags: Sequence[str] | None = None
) -> Callable[[_Class], _Class]:
    """Attach the AsyncAPI name, description and tags of a channel to a class, and return that very class."""

    def mark(cls: _Class) -> _Class:
        setattr(cls, CHANNEL_ATTRIBUTE, ChannelInfo(name, description, tuple(tags or ())))
        return cls

    return mark


@dataclass(frozen=True, slots=True)
class _Marker:
    kind: HandlerKind
    input_type: type[Any] | None
    output_type: Any
    operation: str | None
    description: str | None
    summary: str | None
    tags: tuple[str, ...]
    namespace: dict[str, Any]

    def __call__(self, function: _Function) -> _Function:
        info = HandlerInfo(
            kind=self.kind,
            input_type=input_type_of(function, self.input_type, self.namespace, is_event=self.kind == "event"),
            output_types=output_types_of(function, self.output_type, self.namespace),
            operation=self.operation,
            description=self.description,
            summary=self.summary,
            tags=self.tags,
        )
        setattr(function, HANDLER_ATTRIBUTE, info)
        return function
