"""Random types with data of theirs, as Pydantic writes it and in camelCase."""

from collections.abc import Callable
from dataclasses import make_dataclass
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, create_model
from typing_extensions import TypedDict

from chanx.utils.naming import camel_case

Item = TypeVar("Item")


class Box(BaseModel, Generic[Item]):
    the_item: Item
    by_key: dict[str, Item]


class Tree(BaseModel):
    node_name: str
    sub_trees: list["Tree"]


class Form(NamedTuple):
    """A type, and its data: each value in JSON as Pydantic writes it, and in camelCase."""

    type: Any
    pairs: st.SearchStrategy[tuple[Any, Any]]


NAMES = st.sampled_from(["user_name", "a_b", "aB", "plain", "x_1", "deep_er_key", "URL_path", "tail_", "a__b"])
FEW_NAMES = st.lists(NAMES, min_size=1, max_size=3, unique=True)
KEYS = st.sampled_from(["user_name", "a_b", "aB", "free key", "x1", ""])
OWN_KEYS = st.sampled_from(["free key", "of_mine", "ofMine"])  # of no model here: else a union with it is ambiguous
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab_", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=3,
)

Forms = st.SearchStrategy[Form]


def same(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    return values.map(lambda value: (value, value))


LEAVES: Forms = st.sampled_from(
    [
        Form(int, same(st.integers(-9, 9))),
        Form(str, same(st.text("ab_", max_size=3))),
        Form(Any, same(ANY_JSON)),
        Form(dict[str, Any], same(st.dictionaries(KEYS, ANY_JSON, max_size=2))),
    ]
)


def objects(
    names: list[str], forms: list[Form], make: Callable[[dict[str, Any]], Any], fixed: dict[str, str] | None = None
) -> Form:
    """An object of these fields; ``fixed`` are keys that are written as they are."""
    camels = [camel_case(name) for name in names]
    written = {
        name: name if camels.count(camel) > 1 or (camel != name and camel in names) else camel
        for name, camel in zip(names, camels, strict=True)
    }
    keys = {name: ((fixed or {}).get(name, name), (fixed or {}).get(name, written[name])) for name in names}

    def joined(pairs: tuple[tuple[Any, Any], ...]) -> tuple[Any, Any]:
        parts = list(zip(names, pairs, strict=True))
        return {keys[name][0]: pair[0] for name, pair in parts}, {keys[name][1]: pair[1] for name, pair in parts}

    types = {name: form.type for name, form in zip(names, forms, strict=True)}
    return Form(make(types), st.tuples(*(form.pairs for form in forms)).map(joined))


@st.composite
def models(draw: st.DrawFn, inner: Forms) -> Form:
    names = draw(FEW_NAMES)
    forms = [draw(inner) for _ in names]
    match draw(st.sampled_from(["model", "alias", "written alias", "dataclass", "TypedDict"])):
        case "alias":
            config = ConfigDict(populate_by_name=True)
            make = aliased(names[0], "the_alias", config)
            return objects(names, forms, make)
        case "written alias":
            config = ConfigDict(serialize_by_alias=True)
            return objects(names, forms, aliased(names[0], "the_alias", config), {names[0]: "the_alias"})
        case "dataclass":
            return objects(names, forms, lambda types: make_dataclass("Random", types.items(), kw_only=True))
        case "TypedDict":
            return objects(names, forms, lambda types: TypedDict("Random", types))  # type: ignore[operator]
        case _:
            return objects(names, forms, lambda types: create_model("Random", **types))


@st.composite
def rivals(draw: st.DrawFn, inner: Forms) -> tuple[Form, Form]:
    """Two models that are told apart by a tag only, as they have the same fields."""
    names = ["my_kind", *draw(FEW_NAMES)]

    def tagged(tag: str) -> Form:
        forms = [Form(Literal[tag], same(st.just(tag))), *(draw(inner) for _ in names[1:])]
        return objects(names, forms, lambda types: create_model(f"Random{tag}", **types))

    return tagged("One"), tagged("Two")


def aliased(name: str, alias: str, config: ConfigDict) -> Callable[[dict[str, Any]], Any]:
    def make(types: dict[str, Any]) -> Any:
        return create_model("Random", __config__=config, **{**types, name: (types[name], Field(alias=alias))})

    return make


def lists(form: Form) -> Form:
    both = st.lists(form.pairs, max_size=2)
    return Form(list[form.type], both.map(lambda pairs: ([one for one, _ in pairs], [other for _, other in pairs])))  # type: ignore[name-defined]


def dicts(form: Form, keys: st.SearchStrategy[str] = KEYS) -> Form:
    def apart(pairs: dict[str, tuple[Any, Any]]) -> tuple[Any, Any]:
        return {key: pair[0] for key, pair in pairs.items()}, {key: pair[1] for key, pair in pairs.items()}

    return Form(dict[str, form.type], st.dictionaries(keys, form.pairs, max_size=2).map(apart))  # type: ignore[name-defined]


def tuples(one: Form, other: Form) -> Form:
    def apart(pairs: Any) -> tuple[Any, Any]:
        return [pairs[0][0], pairs[1][0]], [pairs[0][1], pairs[1][1]]

    return Form(tuple[one.type, other.type], st.tuples(one.pairs, other.pairs).map(apart))  # type: ignore[name-defined]


def unions(*forms: Form) -> Form:
    kind = forms[0].type
    for form in forms[1:]:
        kind = kind | form.type
    return Form(kind, st.one_of([form.pairs for form in forms]))


def optional(form: Form) -> Form:
    return Form(form.type | None, form.pairs | st.just((None, None)))


def boxes(form: Form) -> Form:
    fields = [form, dicts(form)]
    return objects(["the_item", "by_key"], fields, lambda _: Box[form.type])  # type: ignore[name-defined]


def told_apart(one: Form, other: Form) -> Form:
    form = unions(one, other)
    return form._replace(type=Annotated[form.type, Field(discriminator="my_kind")])


TREES = Form(
    Tree,
    st.recursive(
        st.just(({"node_name": "x_y", "sub_trees": []}, {"nodeName": "x_y", "subTrees": []})),
        lambda inner: st.lists(inner, max_size=2).map(
            lambda pairs: (
                {"node_name": "", "sub_trees": [one for one, _ in pairs]},
                {"nodeName": "", "subTrees": [other for _, other in pairs]},
            )
        ),
        max_leaves=4,
    ),
)

INTEGERS = Form(int, same(st.integers(-9, 9)))


def types(depth: int) -> Forms:
    if depth == 0:
        return LEAVES
    inner = types(depth - 1)
    model = models(inner)
    tagged = rivals(inner)
    own_dicts = inner.map(lambda form: dicts(INTEGERS, OWN_KEYS))
    return st.one_of(
        LEAVES,
        model,
        model.map(lists),
        inner.map(dicts),
        st.builds(tuples, inner, model),
        model.map(optional),
        model.map(boxes),
        tagged.map(lambda pair: unions(*pair)),
        tagged.map(lambda pair: told_apart(*pair)),
        tagged.map(lambda pair: lists(unions(*pair, INTEGERS))),
        st.builds(unions, own_dicts, tagged.map(lambda pair: pair[0])),
        st.just(TREES),
    )
