"""What a job in memory knows of its tasks: who runs, who is still to come, how far they are, what came of them.

The readable double of ``scripts/executions.lua``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from chanx.bridge.entry import Ending, JobOutcome, NewEntry
from chanx.bridge.store.base import MAX_RESULT_BYTES
from chanx.bridge.store.fractions import WHOLE, Fractions, parts_of

_NOBODY: Final = (-1, "")


@dataclass(slots=True)
class Executions:
    """The tasks that a job consists of (``tasks``: True for a final one), and its executions.

    ``pending`` maps publish ids to task ids; ``claimed`` are those of them that a run has begun, ``publishers`` has the
    workers in whose care they were published. ``current`` is the newest attempt of each task that runs, with the run
    that may speak for it.
    """

    tasks: Mapping[str, bool]
    pending: dict[str, str]
    current: dict[str, tuple[int, str]] = field(default_factory=dict[str, "tuple[int, str]"])
    results: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    result_bytes: int = 0
    failure: str | None = None
    cancellation: str | None = None
    progress: dict[str, _Progress] = field(default_factory=dict[str, "_Progress"])
    claimed: set[str] = field(default_factory=set[str])
    publishers: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, publish_id: str, task_id: str, worker: str) -> None:
        """An execution to wait for, which a task in the worker's care publishes."""
        self.pending[publish_id] = task_id
        self.publishers[publish_id] = worker

    def remove(self, publish_id: str) -> str:
        """It is not waited for any more; returns its task's id, empty if it was not pending."""
        self.claimed.discard(publish_id)
        self.publishers.pop(publish_id, None)
        return self.pending.pop(publish_id, "")

    def unclaimed(self, worker: str | None) -> dict[str, str]:
        """The pending ones that no run has claimed; with a worker, of those that it has published."""
        return {
            publish_id: task_id
            for publish_id, task_id in self.pending.items()
            if publish_id not in self.claimed and worker in (None, self.publishers.get(publish_id, ""))
        }

    def claim(self, entry: NewEntry) -> None:
        """The entry's run becomes the current one, unless a later attempt has begun."""
        if entry.gives_back and entry.execution:
            self.claimed.discard(entry.execution.publish_id)
        elif entry.execution and entry.execution.publish_id in self.pending:
            self.claimed.add(entry.execution.publish_id)
            self.publishers.pop(entry.execution.publish_id, None)
        attempt, _ = self.current.get(entry.task_id, _NOBODY)
        if entry.attempt >= attempt:
            self.current[entry.task_id] = (entry.attempt, entry.run_id)

    def is_superseded(self, entry: NewEntry) -> bool:
        """Whether another run of the entry's attempt is the current one, and this one may not speak any more.

        An attempt that is over may, as the next one can begin before it has said so; only its progress is old.
        """
        is_claim = entry.claims and not entry.in_place_of
        if not entry.task_id or is_claim or (entry.ending and entry.ending.outcome == "succeeded"):
            return False
        attempt, run_id = self.current.get(entry.task_id, _NOBODY)
        if entry.attempt < attempt:
            return entry.delivery == "latest"
        return entry.attempt == attempt and (entry.in_place_of or entry.run_id) != run_id

    def has_ended_before(self, ending: Ending) -> bool:
        """Whether somebody else ended this execution already. A success counts whoever said what before."""
        return bool(ending.publish_id) and ending.publish_id not in self.pending and ending.outcome != "succeeded"

    def end(self, entry: NewEntry, ending: Ending) -> None:
        """Takes the execution from the pending ones, and keeps what came of it."""
        task_id = self.remove(ending.publish_id)
        task_id = entry.task_id or task_id
        if ending.outcome == "none":
            return
        if ending.outcome == "succeeded":
            self._keep_result(task_id, ending.value)
        elif ending.outcome == "failed":
            self.failure = ending.value if self.failure is None else self.failure
        else:
            self.cancellation = ending.value if self.cancellation is None else self.cancellation
        if task_id in self.tasks:
            self.progress[task_id] = _ENDED

    def cannot_end_job(self, ending: Ending) -> bool:
        """Whether an execution that ended so cannot end the job: others are to come, or it has succeeded."""
        has_all = all(task_id in self.results for task_id, is_final in self.tasks.items() if is_final)
        return bool(self.pending) or (ending.outcome != "succeeded" and has_all)

    def fractions(self, entry: NewEntry) -> Fractions | None:
        """How far the job is with this entry; None where its text stays as it is."""
        if entry.fraction is None or len(self.tasks) < 2:
            return None
        if entry.task_id in self.tasks:
            known = self.progress.get(entry.task_id, _Progress(0, 0))
            reported = _Progress(entry.attempt, parts_of(entry.fraction))
            self.progress[entry.task_id] = max(known, reported)
        return Fractions(sum(known.parts for known in self.progress.values()), len(self.tasks))

    def outcome(self, *, cancelled: bool, cancel_reason: str | None) -> JobOutcome:
        finals = [task_id for task_id, is_final in self.tasks.items() if is_final]
        results = {task_id: self.results[task_id] for task_id in finals if task_id in self.results}
        unfinished = len(finals) - len(results)
        return JobOutcome(results, unfinished, self.failure, self.cancellation, cancelled, cancel_reason)

    def _keep_result(self, task_id: str, value: str) -> None:
        if not self.tasks.get(task_id) or task_id in self.results:
            return
        size = len(value.encode())
        if self.result_bytes + size > MAX_RESULT_BYTES:
            self.results[task_id] = None
        else:
            self.results[task_id] = value
            self.result_bytes += size


@dataclass(frozen=True, slots=True, order=True)
class _Progress:
    """How far an attempt is. The greater one counts: a retry may go back, an attempt by itself does not."""

    attempt: float
    parts: int


_ENDED: Final = _Progress(float("inf"), WHOLE)
