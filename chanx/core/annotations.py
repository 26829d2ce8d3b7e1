"""From the annotations of a decorated method to the message types it takes and returns."""

import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, Union, cast, get_args, get_origin

from typing_extensions import TypeAliasType

from chanx.messages.base import BaseChannelEvent, BaseMessage, EventType, message_actions

_MISSING = inspect.Parameter.empty


def input_type_of(
    function: Callable[..., Any], explicit: object, namespace: dict[str, Any], *, is_event: bool
) -> EventType:
    """The message type a handler takes: ``explicit``, else the annotation of its first parameter after self.

    An event may be a ``BaseChannelEvent`` too. Raises ``ValueError`` where there is none to be found and ``TypeError``
    where it is no concrete message type.
    """
    found: Any = explicit if explicit is not None else _first_annotation(function, namespace)
    allowed = (BaseMessage, BaseChannelEvent) if is_event else BaseMessage
    if not (isinstance(found, type) and issubclass(found, allowed)):
        also = " (or a BaseChannelEvent subclass)" if is_event else ""
        raise TypeError(
            f"The input type of {function.__qualname__}() must be a BaseMessage subclass{also}, not {found!r}: "
            "annotate the parameter with one, or pass input_type=."
        )
    if not message_actions(found):
        raise TypeError(
            f"The input type {found.__name__} of {function.__qualname__}() has no Literal action to route by: "
            "use a concrete message type."
        )
    return found


def output_types_of(
    function: Callable[..., Any], explicit: object, namespace: dict[str, Any]
) -> tuple[type[BaseMessage], ...]:
    """The message types a handler sends: ``explicit`` (a type, a union, a list or a tuple), else its return annotation.

    Of a return annotation the parts that are no concrete message types (``None``, ``Any``) are left out; an explicit
    one must hold message types only, or ``TypeError`` is raised.
    """
    if explicit is None:
        return tuple(part for part in _parts(_return_annotation(function, namespace)) if _is_concrete(part))
    parts = tuple(_parts(explicit))
    for part in parts:
        if not _is_message_type(part):
            raise TypeError(
                f"The output type of {function.__qualname__}() must be a BaseMessage subclass, not {part!r}."
            )
    return parts


def caller_namespace(depth: int) -> dict[str, Any]:
    """The local names around a decorated method: its class bodies, and the function these stand in, if any.

    ``depth`` counts frames as ``sys._getframe`` does, seen from the caller. Needed because postponed annotations are
    text, and a class defined inside a function is in no module's namespace.
    """
    names: dict[str, Any] = {}
    frame: FrameType | None = sys._getframe(depth + 1)  # pyright: ignore[reportPrivateUsage] -- the documented way
    while frame is not None and frame.f_code.co_name != "<module>":
        names = {**frame.f_locals, **names}
        if frame.f_code.co_flags & inspect.CO_OPTIMIZED:
            break
        frame = frame.f_back
    return names


def _first_annotation(function: Callable[..., Any], namespace: dict[str, Any]) -> object:
    parameters = list(inspect.signature(function).parameters.values())
    annotation = parameters[1].annotation if len(parameters) > 1 else _MISSING
    if annotation is _MISSING:
        raise ValueError(
            f"Must provide input type for {function.__qualname__}(): annotate its first parameter after self "
            "with a BaseMessage subclass, or pass input_type=."
        )
    return _resolve(annotation, function, namespace, "Must provide input type", "input_type=")


def _return_annotation(function: Callable[..., Any], namespace: dict[str, Any]) -> object:
    annotation = inspect.signature(function).return_annotation
    if annotation is _MISSING:
        return None
    return _resolve(annotation, function, namespace, "Must provide output type", "output_type=")


def _resolve(
    annotation: object, function: Callable[..., Any], namespace: dict[str, Any], problem: str, option: str
) -> object:
    holder = types.SimpleNamespace(__annotations__={"value": annotation})
    module_names = getattr(inspect.unwrap(function), "__globals__", {})
    try:
        return typing.get_type_hints(holder, module_names, namespace)["value"]
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise ValueError(
            f"{problem} for {function.__qualname__}(): its annotation {annotation!r} cannot be resolved ({error}). "
            f"Define or import the type before the class, or pass {option}."
        ) from error


def _parts(annotation: object) -> Iterable[Any]:
    if isinstance(annotation, list | tuple):
        members = cast("Iterable[object]", annotation)
        return [part for member in members for part in _parts(member)]
    if get_origin(annotation) in (Union, types.UnionType):
        return [part for member in get_args(annotation) for part in _parts(member)]
    if isinstance(annotation, TypeAliasType):  # `type X = A | B`
        return _parts(annotation.__value__)
    return [annotation]


def _is_message_type(candidate: Any) -> typing.TypeGuard[type[BaseMessage]]:
    return isinstance(candidate, type) and issubclass(candidate, BaseMessage)


def _is_concrete(candidate: Any) -> bool:
    return _is_message_type(candidate) and bool(message_actions(candidate))
