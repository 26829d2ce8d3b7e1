"""Types, each with JSON values that it takes: what the random models of ``strategies`` are made of."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from pydantic import BaseModel, Field, JsonValue, RootModel
from pydantic_core import to_jsonable_python

ItemT = TypeVar("ItemT")


class Form(NamedTuple):
    """A type, and JSON values that it takes."""

    type: Any
    values: st.SearchStrategy[Any]


class Color(StrEnum):
    RED = "red"
    DARK_BLUE = "dark blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(Enum):
    NONE = None
    ONE = 1
    TEXT = 'quo"te\\'


class Box(BaseModel, Generic[ItemT]):
    """A "generic" type; its docstring ends with a backslash and quotes: \\ \"\"\""""

    item: ItemT
    all_items: list[ItemT] = []


class Tree(BaseModel):
    """Recursive in each way that comes to an end."""

    name: str
    parent: Tree | None = None
    children: list[Tree] = []
    by_name: dict[str, Tree] = {}


class Leaf(BaseModel):
    kind: Literal["leaf"] = "leaf"
    size: int


class Fork(BaseModel):
    kind: Literal["fork"]
    either: Annotated[Leaf | Fork, Field(discriminator="kind")]


class Numbers(RootModel[list[int]]):
    """Numbers, and no object."""


class Pair(NamedTuple):
    first: int
    second: str = "two"


TEXTS = st.text(max_size=5)
KEYS = st.sampled_from(
    ["a", "a_b", "aB", "free key", "x1", "", "class", "ß"]
)  # no $ref: Pydantic follows it even in a default
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)
_ZONES = st.sampled_from([None, UTC, timezone(timedelta(hours=-3, minutes=-30))])


def of(type_: Any, values: st.SearchStrategy[Any]) -> Form:
    """The type, with its own values as JSON."""
    return Form(type_, values.map(to_jsonable_python))


_TREES = st.recursive(
    st.builds(lambda name: {"name": name}, TEXTS),
    lambda inner: st.fixed_dictionaries(
        {"name": TEXTS},
        optional={
            "parent": st.none() | inner,
            "children": st.lists(inner, max_size=2),
            "by_name": st.dictionaries(KEYS, inner, max_size=2),
        },
    ),
    max_leaves=4,
)
_FORKS = st.recursive(
    st.builds(lambda size: {"kind": "leaf", "size": size}, st.integers(-9, 9)),
    lambda inner: st.builds(lambda either: {"kind": "fork", "either": either}, inner),
    max_leaves=3,
).map(lambda either: {"kind": "fork", "either": either})

LEAVES: list[Form] = [
    of(int, st.integers(-(2**63), 2**63)),
    of(str, TEXTS),
    of(float, st.floats(allow_nan=False, allow_infinity=False)),
    of(bool, st.booleans()),
    of(None, st.none()),
    of(Any, JSON),
    of(JsonValue, JSON),
    of(datetime, st.datetimes(timezones=_ZONES)),
    of(date, st.dates()),
    of(time, st.times()),
    of(timedelta, st.timedeltas(timedelta(days=-999), timedelta(days=999))),
    of(UUID, st.uuids()),
    of(Decimal, st.decimals(-999, 999, places=2)),
    of(bytes, TEXTS),
    of(Color, st.sampled_from(Color)),
    of(Level, st.sampled_from(Level)),
    of(Mixed, st.sampled_from(Mixed)),
    of(Literal["a", 1, None, 'b"\\\n\u2028é'], st.sampled_from(["a", 1, None, 'b"\\\n\u2028é'])),
    of(Literal["only"], st.just("only")),
    of(Annotated[int, Field(ge=-3, lt=7, multiple_of=2)], st.sampled_from([-2, 0, 6])),
    of(Annotated[float, Field(gt=0, le=1)], st.floats(0.5, 1)),
    of(Annotated[str, Field(min_length=1, max_length=3)], st.text("ab\n", min_size=1, max_size=3)),
    of(Annotated[str, Field(pattern=r"^(red|\"green)\d{2,}$")], st.sampled_from(["red12", '"green000'])),
    of(Annotated[list[int], Field(min_length=1, max_length=2)], st.lists(st.integers(), min_size=1, max_size=2)),
    of(tuple[()], st.just(())),
    of(tuple[int, ...], st.lists(st.integers())),
    of(set[int], st.sets(st.integers())),
    of(frozenset[str], st.frozensets(TEXTS)),
    of(dict[str, Any], st.dictionaries(KEYS, JSON, max_size=2)),
    of(dict[Literal["x", "y"], int], st.dictionaries(st.sampled_from(["x", "y"]), st.integers())),
    of(dict[UUID, int], st.dictionaries(st.uuids(), st.integers(), max_size=2)),
    Form(Tree, _TREES),
    Form(Fork, _FORKS),
    Form(Numbers, st.lists(st.integers())),
    Form(Pair, st.sampled_from([[1], [2, "x"]])),
]
