"""A kombu serializer with which tasks take and return Pydantic models: JSON, and models under their registered names.

model ─ encode ─> {"__chanx__": "Upload", "json": "{…}"} ─ decode ─> Upload.model_validate_json

What comes in names a model of the allow-list, or is refused: nothing is imported or called by a name from the wire.
A task message with a refused model reaches its task all the same, which fails as it starts: a message that cannot be
decoded Celery drops without a word to anybody, and a job would never end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from celery import Celery
from kombu import serialization
from kombu.utils import json as kombu_json
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from chanx.errors import ConfigurationError, ModelRefusedError

NAME: Final = "chanx"
CONTENT_TYPE: Final = "application/x-chanx+json"

_TAG: Final = "__chanx__"
_JSON: Final = "json"
_ESCAPE: Final = "~"

_models: dict[str, type[BaseModel]] = {}
_names: dict[type[BaseModel], str] = {}


def register(*models: type[BaseModel], **named: type[BaseModel]) -> None:
    """Lets these models travel in task messages and results that use the serializer ``"chanx"``.

    Call it where the Celery app is made, so that every process that sends or runs the tasks does. A model goes by its
    class name, or by that of its keyword: ``register(Upload, LegacyUpload=old.Upload)``; one with several is sent under
    the first. The list is one for the process, as kombu's own of serializers is.

    Raises :class:`~chanx.errors.ConfigurationError` for a name that another model has, or what is no model.
    """
    for name, model in [*((getattr(model, "__name__", ""), model) for model in models), *named.items()]:
        _add(name, model)
    serialization.register(NAME, encode, decode, CONTENT_TYPE, "utf-8")


def install(app: Celery, *models: type[BaseModel], **named: type[BaseModel]) -> None:
    """Registers the models and makes the serializer ``app``'s own, for task messages and results.

    Call it after the app is configured. What the app accepts already it still does. Raises as :func:`register` does.
    """
    register(*models, **named)
    conf: Any = app.conf
    conf.task_serializer = conf.result_serializer = NAME
    conf.accept_content = _with_own(conf.accept_content or ["json"])
    if conf.result_accept_content:
        conf.result_accept_content = _with_own(conf.result_accept_content)


def encode(value: Any) -> str:
    """The JSON text of ``value``: all that Celery's ``json`` takes, and registered models anywhere inside.

    Raises :class:`~chanx.errors.ModelRefusedError` for a model that is not registered, or that its own JSON does not
    give back; what ``json`` raises for the rest.
    """
    encoder = _Encoder()
    text = encoder.encode(value)
    if text.count(f'{_TAG}"') == encoder.tags:
        return text
    # Something of the user's looks like a mark: rare enough to do it all again.
    return _Encoder(escapes=True).encode(_escaped(value))


def decode(data: bytes | str | memoryview) -> Any:
    """What :func:`encode` was given.

    Raises :class:`~chanx.errors.ModelRefusedError` for a refused model in anything but a task message.
    """
    decoder = _Decoder()
    value: Any = kombu_json.loads(data, object_hook=decoder.opened)
    if not decoder.refused:
        return value
    if not _is_task_message(value):
        raise decoder.refused[0].error
    args, kwargs, embed = value
    # In what is embedded (the rest of a chain, callbacks) models only pass through, to a worker that knows them.
    refused = next(_sealed_in([args, kwargs]), None)
    return value if refused is None else [RefusedArguments(refused.error), {}, embed]


class SealedModel:
    """A model that this process refuses to open; it is passed on as it came."""

    def __init__(self, marked: dict[str, Any], error: ModelRefusedError) -> None:
        self.marked = marked
        self.error = error


class RefusedArguments:
    """In the place of a task's positional arguments, if they cannot be had: calling it with them raises the error."""

    def __init__(self, error: ModelRefusedError) -> None:
        self.error = error

    def __iter__(self) -> Iterator[Any]:
        raise self.error

    def __json__(self) -> list[Any]:
        """For a result backend that stores the arguments too."""
        return []

    def __repr__(self) -> str:
        return f"<refused: {self.error}>"


class _Encoder(kombu_json.JSONEncoder):
    def __init__(self, *, escapes: bool = False) -> None:
        super().__init__()
        self.tags = 0
        self._escapes = escapes

    def default(self, o: Any) -> Any:
        if isinstance(o, BaseModel):
            self.tags += 1
            return {_TAG: _name_of(o), _JSON: _text_of(o)}
        if isinstance(o, SealedModel):
            self.tags += 1
            return o.marked
        plain = super().default(o)
        return _escaped(plain) if self._escapes else plain


class _Decoder:
    def __init__(self) -> None:
        self.refused: list[SealedModel] = []

    def opened(self, found: dict[str, Any]) -> Any:
        """The object hook: called for every dict, the inner ones first."""
        if _TAG not in found:
            if any(map(_is_escaped, found)):
                found = {key[1:] if _is_escaped(key) else key: value for key, value in found.items()}
            return kombu_json.object_hook(found)
        try:
            return _model_of(found)
        except ModelRefusedError as error:
            self.refused.append(SealedModel(found, error))
            return self.refused[-1]


def _model_of(marked: Mapping[str, Any]) -> BaseModel:
    name, text = marked[_TAG], marked.get(_JSON)
    if not isinstance(name, str) or not isinstance(text, str) or len(marked) != 2:
        raise ModelRefusedError("A marked model in a message is malformed: it was not written by this serializer.")
    model = _models.get(name)
    if model is None:
        raise ModelRefusedError(
            f"The model {name[:100]!r} is not registered in this process. Where the Celery app is made, add: "
            "chanx.bridge.serializer.register(...) with its class, for every process that sends or runs the task."
        )
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)[:3]
        said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in problems)
        raise ModelRefusedError(f"What came as the model {name!r} is none: {said}") from None
    except Exception as error:  # validators are the user's code, and may raise anything
        raise ModelRefusedError(f"Validating the model {name!r} failed: {error!r}") from error


def _text_of(model: BaseModel) -> str:
    """The model's JSON, if that gives back the same model: what would get lost is refused where somebody can act."""
    kind = type(model)
    try:
        text = model.model_dump_json(round_trip=True, by_alias=True, warnings="error")
        restored = kind.model_validate_json(text)
    except (PydanticSerializationError, ValidationError) as error:
        raise ModelRefusedError(f"{kind.__name__} cannot be read back from its own JSON: {error}") from error
    if restored != model:
        raise ModelRefusedError(
            f"{kind.__name__} would be changed on its way: its JSON gives back another model. Look for secrets, "
            "private attributes, excluded fields, NaN, and values of a subclass of their field's type."
        )
    return text


def _name_of(model: BaseModel) -> str:
    kind = type(model)
    name = _names.get(kind)
    if name is None:
        raise ModelRefusedError(
            f"The model {kind.__module__}.{kind.__qualname__} is not registered. Where the Celery app is made, add: "
            f"chanx.bridge.serializer.register({kind.__name__})"
        )
    return name


def _add(name: str, model: Any) -> None:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise ConfigurationError(f"register() takes Pydantic model classes, not {model!r}")
    other = _models.setdefault(name, model)
    if other is not model:
        raise ConfigurationError(
            f"The name {name!r} is that of the model {other.__module__}.{other.__qualname__}. Register "
            f"{model.__module__}.{model.__qualname__} under another one: register(Other{name}={name})"
        )
    _names.setdefault(model, name)


def _with_own(accepted: Any) -> list[str]:
    return [*(each for each in accepted if each not in {NAME, CONTENT_TYPE}), CONTENT_TYPE]


def _is_task_message(value: Any) -> bool:
    """Whether it is ``(args, kwargs, embed)``, as Celery's second protocol has it."""
    return isinstance(value, list) and [type(each) for each in cast(Sequence[Any], value)] == [list, dict, dict]


def _is_escaped(key: str) -> bool:
    return key.startswith(_ESCAPE) and key.lstrip(_ESCAPE) == _TAG


def _escaped(value: Any) -> Any:
    """A copy in which no key of the user's is the mark: one ``~`` more before each that is it after any ``~``."""
    if isinstance(value, dict):
        items = cast(Mapping[Any, Any], value).items()
        return {_escaped_key(key): _escaped(inner) for key, inner in items}
    if isinstance(value, list | tuple):
        return [_escaped(inner) for inner in cast(Sequence[Any], value)]
    return value


def _escaped_key(key: Any) -> Any:
    return _ESCAPE + key if isinstance(key, str) and key.lstrip(_ESCAPE) == _TAG else key


def _sealed_in(value: Any) -> Iterator[SealedModel]:
    if isinstance(value, SealedModel):
        yield value
    elif isinstance(value, dict):
        yield from _sealed_in(list(cast(dict[str, Any], value).values()))
    elif isinstance(value, list):
        for inner in cast(Sequence[Any], value):
            yield from _sealed_in(inner)
