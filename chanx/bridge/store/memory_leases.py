"""The workers that live, what each of them holds, and what is due at a certain time, in memory. Not locked."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice

from chanx.bridge.entry import Deadline, Execution, NewEntry


class MemoryLeases:
    """The workers by their renewals, and each one's executions by publish id."""

    def __init__(self) -> None:
        self.renewals: dict[str, int] = {}
        self._renewed = 0  # counts on, so that a worker that comes back after it was dropped has a number of its own
        self._held: dict[str, dict[str, Execution]] = {}

    def renew(self, worker: str) -> None:
        self._renewed += 1
        self.renewals[worker] = self._renewed

    def drop(self, worker: str) -> None:
        self.renewals.pop(worker, None)
        self._held.pop(worker, None)

    def held(self, worker: str) -> list[Execution]:
        return list(self._held.get(worker, {}).values())

    def hold(self, worker: str, executions: Iterable[Execution]) -> None:
        held = self._held.setdefault(worker, {})
        for execution in executions:
            if execution.run_id or execution.publish_id not in held:
                held[execution.publish_id] = execution

    def release(self, worker: str, publish_ids: Collection[str], *, run_id: str | None = None) -> None:
        held = self._held.get(worker, {})
        for publish_id in publish_ids:
            if publish_id in held and run_id in (None, held[publish_id].run_id):
                del held[publish_id]

    def before(self, entry: NewEntry) -> None:
        """What an append does first: a worker whose run claims its task has the execution in its care from then on."""
        if entry.worker and entry.claims and entry.execution and entry.execution.publish_id:
            self.hold(entry.worker, [entry.execution])

    def after(self, entry: NewEntry) -> None:
        """What an append does last: the end of the job is out of the worker's hands."""
        if entry.worker and entry.ending and entry.state and entry.state.is_terminal:
            self.release(entry.worker, [entry.ending.publish_id], run_id=entry.run_id)


class MemoryDeadlines:
    """Deadlines by their time."""

    def __init__(self) -> None:
        self._times: dict[Deadline, float] = {}

    def set(self, deadline: Deadline, time: float) -> None:
        self._times.setdefault(deadline, time)

    def due(self, now: float, *, limit: int) -> list[Deadline]:
        due = [deadline for deadline, time in self._times.items() if time <= now]
        return list(islice(sorted(due, key=self._times.__getitem__), limit))

    def clear(self, deadline: Deadline) -> None:
        self._times.pop(deadline, None)
