"""A rename plan: which keys of a piece of JSON are names of fields, and what each is renamed to.

A plan follows the shape of the data as its type declares it; where there is no plan (``dict``, ``Any``), there is user
data, whose keys are nobody's but the user's.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias, cast

JsonObject: TypeAlias = dict[str, Any]

NO_FIT: Final = -float("inf")


class Plan(ABC):
    """What to rename in one value. ``None`` in place of a plan: nothing."""

    @abstractmethod
    def begin(self, value: Any, rest: "list[Step]") -> Any:
        """The value with its own keys renamed, and in ``rest`` what is to be done in its new place.

        A value of another shape than planned stays as it is.
        """

    @abstractmethod
    def fit(self, value: Any) -> float:
        """How well a value has this plan's shape; ``NO_FIT``: not at all. Only the value's own keys are looked at."""

    @abstractmethod
    def step(self, part: Any) -> "tuple[Any, Plan | None]":
        """One part of a path into the value: as it reads after renaming, and the plan of what is there."""


Step: TypeAlias = tuple[Plan, Any, Any]  # a plan for the value that a container has at an index or key


def renamed(plan: Plan, value: Any) -> Any:
    """A copy of ``value`` with its keys renamed, however deep it is: no recursion, so no limit of its own."""
    whole = [value]
    rest: list[Step] = [(plan, whole, 0)]
    while rest:
        inner, container, key = rest.pop()
        container[key] = inner.begin(container[key], rest)
    return whole[0]


@dataclass(frozen=True, slots=True)
class Fields(Plan):
    """An object whose keys are names: of a model, a dataclass or a TypedDict.

    ``required`` are the fields that cannot be left out, each with the keys it may have; ``literals`` the values that
    those keys can have which have a ``Literal`` type.
    """

    names: Mapping[str, str]
    children: Mapping[str, Plan]
    required: Sequence[tuple[str, ...]]
    known: frozenset[str]
    literals: Mapping[str, Sequence[Any]]

    def begin(self, value: Any, rest: list[Step]) -> Any:
        if not isinstance(value, dict):
            return value
        content = cast(JsonObject, value)
        result: JsonObject = {}
        for key, inner in content.items():
            new = self.names.get(key, key)
            if new != key and new in content:
                new = key  # a key of the user's own that has the new name already (extra="allow") is not overwritten
            result[new] = inner
            if (child := self.children.get(key)) is not None:
                rest.append((child, result, new))
        return result

    def fit(self, value: Any) -> float:
        if not isinstance(value, dict):
            return NO_FIT
        content = cast(JsonObject, value)
        if not all(any(key in content for key in ways) for ways in self.required):
            return NO_FIT
        if any(key in content and content[key] not in values for key, values in self.literals.items()):
            return NO_FIT
        known = sum(key in self.known for key in content)
        return known - 2 * (len(content) - known)

    def step(self, part: Any) -> tuple[Any, Plan | None]:
        return self.names.get(part, part), self.children.get(part)


@dataclass(frozen=True, slots=True)
class Items(Plan):
    """An array; the last plan counts for all further items where ``repeats``."""

    plans: Sequence[Plan | None]
    repeats: bool

    def begin(self, value: Any, rest: list[Step]) -> Any:
        if not isinstance(value, list):
            return value
        items = list(cast("Sequence[Any]", value))
        rest.extend((plan, items, index) for index in range(len(items)) if (plan := self._plan(index)) is not None)
        return items

    def fit(self, value: Any) -> float:
        return 0 if isinstance(value, list) else NO_FIT

    def step(self, part: Any) -> tuple[Any, Plan | None]:
        return part, self._plan(part) if isinstance(part, int) else None

    def _plan(self, index: int) -> Plan | None:
        if index < len(self.plans):
            return self.plans[index]
        return self.plans[-1] if self.repeats and self.plans else None


@dataclass(frozen=True, slots=True)
class Values(Plan):
    """An object with the user's keys: ``dict[str, Model]``, or with values that are the user's too: ``dict``."""

    plan: Plan | None

    def begin(self, value: Any, rest: list[Step]) -> Any:
        if self.plan is None or not isinstance(value, dict):
            return value
        content = cast(JsonObject, value).copy()
        rest.extend((self.plan, content, key) for key in content)
        return content

    def fit(self, value: Any) -> float:
        return 0 if isinstance(value, dict) else NO_FIT

    def step(self, part: Any) -> tuple[Any, Plan | None]:
        return part, self.plan


class Choice(Plan):
    """A union: the plan that fits the value best; of equals, the first."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._plans = plans

    @cached_property
    def options(self) -> Sequence[Plan]:
        """The plans to choose from, with those of unions in it, of which one may be the union itself."""
        return list(_options(self, set()))

    def parts(self) -> Sequence[Plan]:
        return self._plans

    def begin(self, value: Any, rest: list[Step]) -> Any:
        options = self.options
        if len(options) == 1:
            return options[0].begin(value, rest)
        fits = [option.fit(value) for option in options]
        best = max(fits, default=NO_FIT)
        return value if best == NO_FIT else options[fits.index(best)].begin(value, rest)

    def fit(self, value: Any) -> float:
        return max((option.fit(value) for option in self.options), default=NO_FIT)

    def step(self, part: Any) -> tuple[Any, Plan | None]:
        steps = [option.step(part) for option in self.options]
        for name, child in steps:
            if name != part:
                return name, child
        # A part that nobody renames may also be the label of one of the types.
        return next(((name, child) for name, child in steps if child is not None), (part, self))


class Reference(Choice):
    """The plan of a type that contains itself, looked up when it is used."""

    def __init__(self, find: Callable[[], Plan | None]) -> None:
        super().__init__(())
        self._find = find

    def parts(self) -> Sequence[Plan]:
        plan = self._find()
        return () if plan is None else (plan,)


@dataclass(frozen=True, slots=True)
class TaggedChoice(Plan):
    """A union told apart by a key, in any of its spellings."""

    keys: Sequence[str]
    plans: Mapping[Any, Plan | None]

    def begin(self, value: Any, rest: list[Step]) -> Any:
        plan = self._plan(value)
        return value if plan is None else plan.begin(value, rest)

    def fit(self, value: Any) -> float:
        plan = self._plan(value)
        return NO_FIT if plan is None else plan.fit(value)

    def step(self, part: Any) -> tuple[Any, Plan | None]:
        return part, self.plans.get(part)

    def _plan(self, value: Any) -> Plan | None:
        if not isinstance(value, dict):
            return None
        content = cast(JsonObject, value)
        tags = [content[key] for key in self.keys if key in content]
        return self.plans.get(tags[0]) if tags and isinstance(tags[0], str | int) else None


def _options(plan: Plan, seen: set[int]) -> Iterator[Plan]:
    if not isinstance(plan, Choice):
        yield plan
    elif id(plan) not in seen:
        seen.add(id(plan))
        for part in plan.parts():
            yield from _options(part, seen)
