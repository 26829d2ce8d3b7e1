"""Random Pydantic models, for properties that hold for the schemas of all of them."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from typing import Annotated, Any, Literal, Optional

from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model


class Shade(enum.Enum):
    LIGHT = "light"
    DARK = "dark"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Tree(BaseModel):
    """Recursive in each way that comes to an end."""

    name: str
    parent: Tree | None
    children: list[Tree]
    by_name: dict[str, Tree]


class Leaf(BaseModel):
    kind: Literal["leaf"]
    size: Annotated[int, Field(gt=3, le=9)]


class Fork(BaseModel):
    kind: Literal["fork"]
    either: Annotated[Leaf | Fork, Field(discriminator="kind")]


_SCALARS: list[Any] = [
    str, int, float, bool, None, Any, datetime.datetime, datetime.date, datetime.time, datetime.timedelta, uuid.UUID,
    decimal.Decimal, bytes, Shade, Level, Tree, Fork, Literal["a", 1, None], tuple[int, str], tuple[()], dict[str, Any],
    dict[Literal["x", "y"], int], dict[uuid.UUID, int], Annotated[str, Field(pattern=r"^[A-Z]{2}-\d{3,}$")],
    Annotated[str, Field(pattern=r"^(red|green)\.(?:jpe?g|png)$")],
    Annotated[str, Field(pattern=r"^\+?[1-9]\d{1,14}$")],
    Annotated[str, Field(examples=["given"])],
]  # fmt: skip


@st.composite
def _texts(draw: st.DrawFn) -> Any:
    least = draw(st.integers(0, 20))
    return Annotated[str, Field(min_length=least, max_length=least + draw(st.integers(0, 20)))]


@st.composite
def _numbers(draw: st.DrawFn) -> Any:
    least = draw(st.integers(-1000, 1000))
    bounds = draw(
        st.sampled_from(
            [
                {"ge": least},
                {"gt": least},
                {"le": least},
                {"lt": least},
                {"ge": least, "le": least + draw(st.integers(0, 9))},
                {"gt": least, "lt": least + 2},
                {"multiple_of": draw(st.integers(1, 50)), "gt": least},
                {"multiple_of": draw(st.integers(1, 50)), "lt": least},
            ]
        )
    )
    return Annotated[draw(st.sampled_from([int, float])), Field(**bounds)]


def _compound(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    size = st.integers(0, 3)
    return st.one_of(
        inner.map(lambda each: list[each]),
        inner.map(lambda each: Optional[each]),  # noqa: UP045 -- `each` may be None or a string
        inner.map(lambda each: dict[str, each]),
        inner.map(lambda each: tuple[each, ...]),
        st.tuples(inner, inner).map(lambda two: tuple[two[0], two[1]]),
        st.tuples(inner, inner).map(lambda two: two[0] | two[1] if two[0] is not None else two[1]),
        st.tuples(inner, size).map(lambda two: Annotated[list[two[0]], Field(min_length=two[1])]),
        size.map(lambda least: Annotated[set[int], Field(min_length=least)]),
        size.map(lambda least: Annotated[dict[str, int], Field(min_length=least)]),
        models(inner),
    )


@st.composite
def models(draw: st.DrawFn, types: st.SearchStrategy[Any]) -> type[BaseModel]:
    """A class of up to four fields, which may have a default."""
    fields: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(["a", "b_c", "d", "e"]), unique=True)):
        annotation = draw(types)
        fields[name] = (annotation, ...) if draw(st.booleans()) else (Optional[annotation], None)  # noqa: UP045
    return create_model(f"Model{draw(st.integers(0, 10**9))}", **fields)


any_type = st.recursive(st.one_of(st.sampled_from(_SCALARS), _texts(), _numbers()), _compound, max_leaves=6)

any_model = models(any_type)
"""A strategy for classes."""
