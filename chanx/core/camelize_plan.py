"""A rename plan: which keys of a piece of JSON are names of fields, and what each is renamed to.

A plan follows the shape of the data as its type declares it; where there is no plan (``dict``, ``Any``), there is user
data, whose keys are nobody's but the user's.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

JsonObject: TypeAlias = dict[str, Any]


class Plan(ABC):
    """What to rename in one value. ``None`` in place of a plan: nothing."""

    @abstractmethod
    def apply(self, value: Any) -> Any:
        """The value with its keys renamed; a value of another shape than planned stays as it is."""

    def fit(self, value: Any) -> int:
        """How well a value has this plan's shape; below zero, not at all."""
        return -1

    def step(self, part: Any) -> "tuple[Any, Plan | None]":
        """One part of a path into the value: as it reads after renaming, and the plan of what is there."""
        return part, None


@dataclass(frozen=True, slots=True)
class Fields(Plan):
    """An object whose keys are names: of a model, a dataclass or a TypedDict."""

    names: Mapping[str, str]
    children: Mapping[str, Plan]
    required: Sequence[tuple[str, ...]]
    known: frozenset[str]

    def apply(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        content = cast(JsonObject, value)
        result: JsonObject = {}
        for key, inner in content.items():
            child = self.children.get(key)
            new = self.names.get(key, key)
            # A key of the user's own that has the new name already (extra="allow") is not overwritten.
            result[key if new in content else new] = inner if child is None else child.apply(inner)
        return result

    def fit(self, value: Any) -> int:
        if not isinstance(value, dict):
            return -1
        content = cast(JsonObject, value)
        if not all(any(key in content for key in ways) for ways in self.required):
            return -1
        return sum(key in self.known for key in content)

    def step(self, part: Any) -> tuple[Any, Plan | None]:
        return self.names.get(part, part), self.children.get(part)


@dataclass(frozen=True, slots=True)
class Items(Plan):
    """An array; the last plan counts for all further items where ``repeats``."""

    plans: Sequence[Plan | None]
    repeats: bool

    def apply(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        items = cast("Sequence[Any]", value)
        return [item if (plan := self._plan(index)) is None else plan.apply(item) for index, item in enumerate(items)]

    def fit(self, value: Any) -> int:
        return 0 if isinstance(value, list) else -1

    def step(self, part: Any) -> tuple[Any, Plan | None]:
        return part, self._plan(part) if isinstance(part, int) else None

    def _plan(self, index: int) -> Plan | None:
        if index < len(self.plans):
            return self.plans[index]
        return self.plans[-1] if self.repeats and self.plans else None


@dataclass(frozen=True, slots=True)
class Values(Plan):
    """An object with the user's keys and planned values: ``dict[str, Model]``."""

    plan: Plan

    def apply(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: self.plan.apply(inner) for key, inner in cast(JsonObject, value).items()}

    def fit(self, value: Any) -> int:
        return 0 if isinstance(value, dict) else -1

    def step(self, part: Any) -> tuple[Any, Plan | None]:
        return part, self.plan


@dataclass(frozen=True, slots=True)
class Choice(Plan):
    """A union: the plan that fits the value best; of equals, the first."""

    plans: Sequence[Plan]

    def apply(self, value: Any) -> Any:
        best = max(self.plans, key=lambda plan: plan.fit(value))
        return best.apply(value) if best.fit(value) >= 0 else value

    def fit(self, value: Any) -> int:
        return max(plan.fit(value) for plan in self.plans)

    def step(self, part: Any) -> tuple[Any, Plan | None]:
        for plan in self.plans:
            name, child = plan.step(part)
            if name != part or child is not None:
                return name, child
        return part, self  # the part may be the label of one of the types


@dataclass(frozen=True, slots=True)
class TaggedChoice(Plan):
    """A union told apart by a key, in any of its spellings."""

    keys: Sequence[str]
    plans: Mapping[Any, Plan | None]

    def apply(self, value: Any) -> Any:
        plan = self._plan(value)
        return value if plan is None else plan.apply(value)

    def fit(self, value: Any) -> int:
        plan = self._plan(value)
        return -1 if plan is None else plan.fit(value)

    def step(self, part: Any) -> tuple[Any, Plan | None]:
        return part, self.plans.get(part)

    def _plan(self, value: Any) -> Plan | None:
        if not isinstance(value, dict):
            return None
        content = cast(JsonObject, value)
        tags = [content[key] for key in self.keys if key in content]
        return self.plans.get(tags[0]) if tags and isinstance(tags[0], str | int) else None


@dataclass(frozen=True, slots=True)
class Reference(Plan):
    """The plan of a type that contains itself, looked up when it is used."""

    find: Callable[[], Plan | None]

    def apply(self, value: Any) -> Any:
        plan = self.find()
        return value if plan is None else plan.apply(value)

    def fit(self, value: Any) -> int:
        plan = self.find()
        return -1 if plan is None else plan.fit(value)

    def step(self, part: Any) -> tuple[Any, Plan | None]:
        plan = self.find()
        return (part, None) if plan is None else plan.step(part)
