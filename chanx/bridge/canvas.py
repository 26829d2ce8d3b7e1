"""What a Celery canvas consists of: its tasks in order, each with an id, and those whose results are the canvas's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from celery.canvas import chunks, maybe_signature
from celery.utils import uuid

from chanx.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Canvas:
    """A copy of a signature, ready to be applied: its tasks keep these ids wherever they are published from.

    ``tasks``: task id -> whether it is a final one, in order. ``result_id`` is the id of the canvas's own result.
    """

    signature: Any
    tasks: Mapping[str, bool]
    result_id: str
    name: str


def canvas_of(signature: Any) -> Canvas:
    """Reads a signature, chain, group, chord or chunks. Raises ``ConfigurationError`` for one without a task."""
    if isinstance(signature, chunks):
        signature = signature.group()
    reading = _Reading(signature.app)
    prepared, finals = reading.prepare(signature)
    if not reading.tasks:
        raise ConfigurationError("An empty canvas is no job: give it at least one task")
    if len(finals) == 1:
        result_id = finals[0]
    else:
        result_id = prepared.options.setdefault("task_id", uuid()) if prepared.subtask_type == "group" else finals[-1]
    return Canvas(
        signature=prepared,
        tasks={task_id: task_id in finals for task_id in reading.tasks},
        result_id=result_id,
        name=next(iter(reading.tasks.values())),
    )


class _Reading:
    """Goes through a canvas; Celery keeps an id that a signature has already, through all its own rewriting."""

    def __init__(self, app: Any) -> None:
        self.tasks: dict[str, str] = {}
        self._app = app

    def prepare(self, given: Any) -> tuple[Any, list[str]]:
        """A copy whose tasks have ids, and the ids of its final tasks."""
        known: Any = maybe_signature(given, app=self._app)
        signature = known.clone()
        if signature.subtask_type in {"chain", "chord"}:
            # Celery would give it to the last task, which has one of its own here.
            signature.options.pop("task_id", None)
        match signature.subtask_type:
            case "chord":
                signature.tasks = self._all(_members(signature.tasks))[0]
                signature.body, finals = self.prepare(signature.body)
                return signature, finals
            case "chain":
                signature.tasks, finals_of = self._all(signature.tasks)
                return signature, finals_of[-1] if finals_of else []
            case "group":
                signature.tasks, finals_of = self._all(signature.tasks)
                return signature, [task_id for finals in finals_of for task_id in finals]
            case _:
                task_id = signature.options.setdefault("task_id", uuid())
                self.tasks[task_id] = str(signature.task)
                return signature, [task_id]

    def _all(self, signatures: Iterable[Any]) -> tuple[list[Any], list[list[str]]]:
        prepared = [self.prepare(signature) for signature in signatures]
        return [signature for signature, _ in prepared], [finals for _, finals in prepared]


def _members(header: Any) -> Iterable[Any]:
    """A chord's header is a group, or just its tasks."""
    members: Iterable[Any] = getattr(header, "tasks", header)
    return members
