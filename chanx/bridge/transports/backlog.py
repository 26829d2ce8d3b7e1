"""What the store has not taken yet, in order and within bounds; what had to go leaves a gap that tells how much it was.

One run's events:  1 2 3 4 5 6   ─ 3 and 4 evicted ─>   1 2 [gap: 2 lost] 5 6
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, Generic, TypeVar

from pydantic_core import from_json

from chanx.bridge.encoding import Origin, encode_event
from chanx.bridge.entry import Appended, NewEntry
from chanx.bridge.events import GapPayload, JobGap

T = TypeVar("T")

MAX_STEPS: Final = 10_000
MAX_BYTES: Final = 8 * 1024 * 1024
"""What waits takes in memory at most, about; lifecycle events wait beyond it."""

STEP_BYTES: Final = 1000
"""Bytes of a step's objects beside its texts, about."""


@dataclass(slots=True, eq=False)
class Step(Generic[T]):
    """Something the store is asked in its turn. ``entry`` is the event that it appends, if it does.

    ``later`` gets the answer, if whoever asked does not wait for it any more (``is_left``). ``is_tried``: the store may
    have it, although it did not answer.
    """

    ask: Callable[[], T]
    entry: NewEntry | None = None
    later: Callable[[T], None] | None = None
    answer: T | None = None
    is_answered: bool = False
    is_left: bool = False
    is_tried: bool = False

    @property
    def size(self) -> int:
        """Bytes in memory, about."""
        texts = [self.entry.event, *self.entry.patch.values()] if self.entry else []
        return STEP_BYTES + sum(map(sys.getsizeof, texts))


def is_lifecycle(entry: NewEntry) -> bool:
    """Whether the event begins or ends something: without it the job would not be known as what it is."""
    return entry.state is not None or entry.ending is not None or entry.claims


class Backlog:
    """Steps in order. Not thread-safe. ``append`` takes an entry to the store.

    Beyond its bounds the oldest ``latest`` event goes, then the oldest ``log`` event; never what begins or ends
    something, nor what the store may have already. A ``latest`` event that a newer one of its run replaces is not kept
    at all, and is no loss.
    """

    def __init__(
        self, append: Callable[[NewEntry], Appended], *, max_steps: int = MAX_STEPS, max_bytes: int = MAX_BYTES
    ) -> None:
        self.lost = 0
        """Events that were evicted so far."""
        self._append = append
        self._max_steps = max_steps
        self._max_bytes = max_bytes
        self._bytes = 0
        self._places = count()
        self._steps: OrderedDict[int, Step[Any]] = OrderedDict()
        self._known: set[tuple[str, int]] = set()
        self._newest: dict[tuple[str, str], int] = {}  # run and action of a `latest` event -> its place
        self._evictable: dict[str, OrderedDict[int, NewEntry]] = {"latest": OrderedDict(), "log": OrderedDict()}
        self._gaps: dict[str, _Gap] = {}

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def is_half_full(self) -> bool:
        return 2 * len(self._steps) > self._max_steps or 2 * self._bytes > self._max_bytes

    def add(self, step: Step[Any]) -> None:
        """Adds a step at the end, unless its event waits here already."""
        entry, place = step.entry, next(self._places)
        if entry is not None:
            if (entry.run_id, entry.n) in self._known:
                return
            self._known.add((entry.run_id, entry.n))
            if entry.delivery == "latest":
                self._replace_older(entry, place)
            if not step.is_tried and not is_lifecycle(entry):
                self._evictable[entry.delivery][place] = entry
        self._steps[place] = step
        self._bytes += step.size
        while (len(self._steps) > self._max_steps or self._bytes > self._max_bytes) and self._evict_one():
            pass

    def first(self) -> tuple[int, Step[Any]] | None:
        """The oldest step, which is tried now, and its place."""
        for place, step in self._steps.items():
            step.is_tried = True
            self._let_be(place, step)
            return place, step
        return None

    def remove(self, place: int) -> None:
        """The step there is done."""
        self._forget(place, self._steps.pop(place))

    def _forget(self, place: int, step: Step[Any]) -> None:
        self._let_be(place, step)
        self._bytes -= step.size
        entry = step.entry
        if entry is not None:
            self._known.discard((entry.run_id, entry.n))
            if self._newest.get((entry.run_id, entry.action)) == place:
                del self._newest[entry.run_id, entry.action]

    def _let_be(self, place: int, step: Step[Any]) -> None:
        """It is not evicted any more, nor does it grow."""
        for evictable in self._evictable.values():
            evictable.pop(place, None)
        if isinstance(step, _Gap) and self._gaps.get(step.origin.run_id) is step:
            del self._gaps[step.origin.run_id]

    def _replace_older(self, entry: NewEntry, place: int) -> None:
        older = self._newest.get((entry.run_id, entry.action), -1)
        replaced = self._evictable["latest"].get(older)
        if replaced is not None and replaced.patch.keys() <= entry.patch.keys():
            self.remove(older)
        self._newest[entry.run_id, entry.action] = place

    def _evict_one(self) -> bool:
        for evictable in self._evictable.values():
            if evictable:
                place, entry = next(iter(evictable.items()))
                self._evict(place, entry)
                return True
        return False

    def _evict(self, place: int, entry: NewEntry) -> None:
        """Leaves one gap for all that the run has lost, where the last of it was."""
        self.lost += 1
        self._forget(place, self._steps[place])
        gap = self._gaps.get(entry.run_id)
        if gap is not None and gap.place > place:
            gap.lost += 1
            del self._steps[place]
            return
        lost = 1
        if gap is not None:
            lost += gap.lost
            self.remove(gap.place)
        gap = _Gap(self._append, entry, place, lost)
        self._steps[place] = gap  # in the evicted one's turn
        self._gaps[entry.run_id] = gap
        self._bytes += gap.size


class _Gap(Step[Appended]):
    """Tells of ``lost`` events of a run, in the name and at the ``place`` of the last of them, which is not kept."""

    __slots__ = ("_append", "_entry", "_n", "_task_id", "lost", "origin", "place")

    def __init__(self, append: Callable[[NewEntry], Appended], last: NewEntry, place: int, lost: int) -> None:
        super().__init__(self._send)
        self.origin = Origin(last.job_id, task_id_of(last), last.attempt, last.run_id)
        self.place = place
        self.lost = lost
        self._append = append
        self._n = last.n
        self._task_id = last.task_id
        self._entry: NewEntry | None = None

    def _send(self) -> Appended:
        if self._entry is None:  # once, as it may be sent several times
            gap = JobGap(payload=GapPayload(lost=self.lost))
            self._entry = encode_event(gap, self.origin, self._n, task_id=self._task_id)
        return self._append(self._entry)


def task_id_of(entry: NewEntry) -> str:
    """The task that an event is of."""
    # An event from outside of a run has it in its text only.
    return entry.task_id or str(from_json(entry.event)["task_id"])
