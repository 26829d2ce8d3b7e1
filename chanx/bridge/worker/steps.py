"""The steps of a task: which part of its bar each of them fills, and what a report inside of one means for the whole.

A level is the task itself, or a step that is open. Its plan is the sum of the weights of the steps inside it::

    steps(load=1, render=3)     |load|      render      |
                                0   .25                 1
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_NAME = 200
"""Characters of a step's name that are shown, at most."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a report is made: inside the steps of ``path``, which fill the part of the bar after ``start``.

    ``start`` and ``span`` are fractions of the whole task; ``start`` is None where that is not known.
    """

    path: tuple[str, ...] = ()
    start: float | None = 0.0
    span: float = 1.0


class Report(NamedTuple):
    """What a task said of its progress, in absolute numbers, and where it was then. Cheap: every item makes one."""

    scope: Scope
    current: float
    total: float | None = None
    message: str | None = None
    unit: str | None = None

    @property
    def fraction(self) -> float | None:
        """How far the task as a whole is, 0..1; None if that is not known."""
        scope = self.scope
        if scope.start is None:
            return None
        if self.total is None or self.total <= 0:
            return scope.start if scope.path else None
        inside = min(max(self.current / self.total, 0.0), 1.0)
        return min(scope.start + scope.span * inside, 1.0)


@dataclass(slots=True)
class _Level:
    scope: Scope
    total: float | None = None
    weights: Mapping[str, float] = field(default_factory=dict[str, float])
    done: float = 0.0
    weight: float = 0.0  # in the level around it
    before: Report | None = None  # the level around it, as it was
    message: str | None = None
    unit: str | None = None
    counts: bool = False  # a loop counts its items here, and has no other plan

    @property
    def report(self) -> Report:
        return Report(self.scope, self.done, self.total, self.message, self.unit)


class Steps:
    """The open steps of one run. Used by the task's own thread alone; what it hands out is immutable."""

    def __init__(self) -> None:
        self._levels = [_Level(Scope())]

    @property
    def scope(self) -> Scope:
        """Where a report is made now."""
        return self._levels[-1].scope

    def plan(self, total: float | None, weights: Mapping[str, float]) -> Report:
        """Says what the steps inside of the open one add up to; ``ValueError`` for what is no plan."""
        if (total is None) == (not weights):
            raise ValueError("steps() takes the weight of each step, steps(load=1, render=3), or their sum, steps(4)")
        for weight in weights.values():
            _check(weight)
        level = self._levels[-1]
        level.total = _check(sum(weights.values()) if total is None else total)
        level.weights = dict(weights)
        level.done, level.message, level.unit, level.counts = 0.0, None, None, False
        return level.report

    def count(self) -> None:
        """A loop counts its items from here on: a step that is opened inside of it is one of them, or a part of one."""
        level = self._levels[-1]
        level.counts = level.counts or level.total is None

    def enter(self, name: str, weight: float | None, newest: Report | None) -> Report:
        """Opens a step; ``newest`` is the last report before. ``ValueError`` for a step that is not in the plan."""
        level = self._levels[-1]
        weight = _check(level.weights.get(name, 1.0) if weight is None else weight)
        if level.weights and name not in level.weights:
            planned = ", ".join(level.weights)
            raise ValueError(f"There is no step {name!r} in the plan ({planned}). Add it to steps(...).")
        before = newest if newest and newest.scope is level.scope else None
        if level.counts and before:
            level.done, level.total = before.current, before.total
            level.message, level.unit = before.message, before.unit
        scope = self._scope_of(level, name[:MAX_NAME], weight, before)
        self._levels.append(_Level(scope, weight=weight, before=before))
        return self._levels[-1].report

    def leave(self, newest: Report | None, *, completed: bool) -> Report | None:
        """Closes the step that was opened last. Returns what to report, None where the bar stays as it is."""
        closed = self._levels.pop()
        level = self._levels[-1]
        if not completed:
            level.done += closed.weight * _inside(closed.scope, newest)
            return None
        level.done += closed.weight
        if level.total is None and closed.before:
            return closed.before
        return level.report

    @staticmethod
    def _scope_of(level: _Level, name: str, weight: float, before: Report | None) -> Scope:
        outer = level.scope
        path = (*outer.path, name)
        if level.total is None or level.total <= 0 or outer.start is None:
            # Nobody knows how much of the whole it is, so the bar waits.
            known = before.fraction if before else None
            return Scope(path, known if known is not None or not outer.path else outer.start, 0.0)
        done = min(level.done / level.total, 1.0)
        share = min(weight / level.total, 1.0 - done)
        return Scope(path, outer.start + outer.span * done, outer.span * share)


def _inside(scope: Scope, newest: Report | None) -> float:
    """How much of a scope's part of the bar is full, 0..1."""
    fraction = newest.fraction if newest and newest.scope.path[: len(scope.path)] == scope.path else None
    if fraction is None or scope.start is None or scope.span <= 0:
        return 0.0
    return min(max((fraction - scope.start) / scope.span, 0.0), 1.0)


def _check(weight: float) -> float:
    if not (math.isfinite(weight) and weight > 0):
        raise ValueError(f"A step's weight is a positive number, not {weight!r}.")
    return float(weight)
