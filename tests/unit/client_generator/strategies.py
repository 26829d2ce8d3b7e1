"""Random message models, with JSON that they take."""

from __future__ import annotations

from dataclasses import field, make_dataclass
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Optional, Union

from hypothesis import strategies as st
from pydantic import ConfigDict, Field, TypeAdapter, create_model
from typing_extensions import TypedDict

from chanx.messages.base import BaseMessage
from tests.unit.client_generator.forms import JSON, KEYS, LEAVES, TEXTS, Box, Form

# Names that fields cannot have in Python or in Pydantic are wire names only.
NAMES = ["user_name", "userName", "plain", "x_1", "tail_", "type", "date", "time", "list_of", "Literal", "Any", "field"]
WIRE_NAMES = [
    "class",
    "json",
    "schema",
    "copy",
    "2nd",
    "with-dash",
    "_private",
    "__dunder__",
    "str",
    "model_config",
    "é",
]
_OTHERS = st.sampled_from(["other", "another one"])


@st.composite
def fields(draw: st.DrawFn, inner: st.SearchStrategy[Form]) -> dict[str, tuple[Form, bool]]:
    """Forms by name, each with whether it is required."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    return {name: (draw(inner), draw(st.booleans())) for name in names}


@st.composite
def models(draw: st.DrawFn, inner: st.SearchStrategy[Form]) -> Form:
    """Models, dataclasses and TypedDicts, with defaults, default factories and aliases."""
    content = draw(fields(inner))
    match draw(st.sampled_from(["model", "model", "alias", "extra", "dataclass", "TypedDict"])):
        case "dataclass":
            made = {name: default_of(form, draw) for name, (form, required) in content.items() if not required}
            definitions = [
                (
                    name,
                    form.type,
                    field(**({"default_factory": lambda value=made[name]: value} if name in made else {})),
                )
                for name, (form, _) in content.items()
            ]
            return _object(make_dataclass("Record", definitions, kw_only=True), content)
        case "TypedDict":
            types = {
                name: form.type if required else NotRequired[form.type] for name, (form, required) in content.items()
            }
            return _object(TypedDict("Typed", types), content)  # type: ignore[operator]
        case "alias":
            wire = draw(st.permutations(WIRE_NAMES))
            wires = dict(zip(content, wire, strict=False))
            config = ConfigDict(serialize_by_alias=True, populate_by_name=True, title="Aliased")
            model = create_model("Aliased", __config__=config, **_definitions(content, draw, wires))
            return _object(model, {wires[name]: value for name, value in content.items()})
        case "extra":
            model = create_model("Open", __config__=ConfigDict(extra="allow"), **_definitions(content, draw))
            named = _object(model, content)
            return Form(
                model, st.builds(lambda one, more: {**more, **one}, named.values, st.dictionaries(_OTHERS, JSON))
            )
        case _:
            return _object(create_model("Random", __doc__=draw(TEXTS), **_definitions(content, draw)), content)


def default_of(form: Form, draw: st.DrawFn) -> Any:
    """A value of the form's type."""
    return TypeAdapter(form.type).validate_python(draw(form.values))


def _definitions(
    content: dict[str, tuple[Form, bool]], draw: st.DrawFn, wires: dict[str, str] | None = None
) -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    for name, (form, required) in content.items():
        more: dict[str, Any] = {"alias": wires[name]} if wires else {}
        if draw(st.booleans()):
            more["description"] = draw(TEXTS)
        if required:
            definitions[name] = (form.type, Field(**more))
        elif draw(st.booleans()):
            default = default_of(form, draw)
            definitions[name] = (form.type, Field(default_factory=lambda default=default: default, **more))
        else:
            definitions[name] = (form.type, Field(default=default_of(form, draw), **more))
    return definitions


def _object(type_: Any, content: dict[str, tuple[Form, bool]]) -> Form:
    required = {name: form.values for name, (form, is_required) in content.items() if is_required}
    optional = {name: form.values for name, (form, is_required) in content.items() if not is_required}
    return Form(type_, st.fixed_dictionaries(required, optional=optional))


@st.composite
def rivals(draw: st.DrawFn, inner: st.SearchStrategy[Form]) -> Form:
    """A union of models that are told apart by a tag, with or without a declared discriminator."""
    key = draw(st.sampled_from(["kind", "my_type"]))

    def tagged(tag: str) -> Form:
        form = draw(inner)
        model = create_model(f"Of{tag}", **{key: (Literal[tag], ...), "content": (form.type, ...)})  # type: ignore[valid-type]
        return Form(model, st.fixed_dictionaries({key: st.just(tag), "content": form.values}))

    one, two = tagged("one"), tagged("two")
    union = one.type | two.type
    if draw(st.booleans()):
        union = Annotated[union, Field(discriminator=key)]
    return Form(union, one.values | two.values)


def lists(form: Form) -> Form:
    return Form(list[form.type], st.lists(form.values, max_size=2))  # type: ignore[name-defined]


def dicts(form: Form) -> Form:
    return Form(dict[str, form.type], st.dictionaries(KEYS, form.values, max_size=2))  # type: ignore[name-defined]


def tuples(one: Form, other: Form) -> Form:
    values = st.tuples(one.values, other.values).map(list)
    return Form(tuple[one.type, other.type], values)  # type: ignore[name-defined]


def optional(form: Form) -> Form:
    return Form(Optional[form.type], form.values | st.none())  # noqa: UP045 -- the type may be None


def either(one: Form, other: Form) -> Form:
    return Form(Union[one.type, other.type], one.values | other.values)  # noqa: UP007 -- either may be None


def boxes(form: Form) -> Form:
    values = st.fixed_dictionaries({"item": form.values}, optional={"all_items": st.lists(form.values, max_size=2)})
    return Form(Box[form.type], values)  # type: ignore[name-defined]


def types(depth: int = 2) -> st.SearchStrategy[Form]:
    """Types that nest up to ``depth``."""
    leaves = st.sampled_from(LEAVES)
    if depth == 0:
        return leaves
    inner = types(depth - 1)
    return st.one_of(
        leaves,
        models(inner),
        models(inner).map(lists),
        inner.map(lists),
        inner.map(dicts),
        st.builds(tuples, inner, inner),
        st.builds(either, leaves, inner),
        inner.map(optional),
        inner.map(boxes),
        rivals(inner),
        rivals(inner).map(optional),
    )


class MessageForm(NamedTuple):
    """A message class, and frames that it takes."""

    type: type[BaseMessage]
    frames: st.SearchStrategy[dict[str, Any]]


@st.composite
def messages(draw: st.DrawFn, action: str = "random", depth: int = 2) -> MessageForm:
    """Message classes with one random payload, which may be left out if it has a default."""
    payload = draw(types(depth) | models(types(depth - 1)) | models(types(depth - 1)))
    default = draw(st.sampled_from([..., ..., "own"]))
    name = "".join(part.capitalize() for part in action.split("_")) + "Message"
    definition: Any = (payload.type, default_of(payload, draw) if default == "own" else ...)
    model = create_model(
        name, __base__=BaseMessage, __doc__=draw(TEXTS), action=(Literal[action], action), payload=definition
    )  # type: ignore[call-overload]
    optional_ = {} if default is ... else {"payload": payload.values}
    required = {"payload": payload.values} if default is ... else {}
    frames = st.fixed_dictionaries({"action": st.just(action), **required}, optional=optional_)
    return MessageForm(model, frames)
