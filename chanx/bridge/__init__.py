"""Celery tasks become typed events on the channel layer, and every job has a log that a browser can follow.

Names are handed on lazily: a worker that imports :class:`JobTask` does not load the web side.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chanx.errors import MissingExtraError

if TYPE_CHECKING:
    from chanx.bridge.entry import Delivery
    from chanx.bridge.events import JobEvent
    from chanx.bridge.installed import Bridge, bridge_of
    from chanx.bridge.names import owner_group
    from chanx.bridge.owner import owner_of
    from chanx.bridge.scope import detach
    from chanx.bridge.snapshot import JobSnapshot
    from chanx.bridge.start import JobRef, StartedJob, start_job, start_job_sync
    from chanx.bridge.store.base import Retention
    from chanx.bridge.tokens import JobAction
    from chanx.bridge.web.list_topic import JobListTopic
    from chanx.bridge.web.topic import JobTopic
    from chanx.bridge.worker.current import current_job
    from chanx.bridge.worker.install import install
    from chanx.bridge.worker.job import Job
    from chanx.bridge.worker.task import JobTask
    from chanx.errors import JobCancelled, JobError

_MODULES = {
    "Bridge": "chanx.bridge.installed",
    "Delivery": "chanx.bridge.entry",
    "Job": "chanx.bridge.worker",
    "JobAction": "chanx.bridge.tokens",
    "JobCancelled": "chanx.errors",
    "JobError": "chanx.errors",
    "JobEvent": "chanx.bridge.events",
    "JobListTopic": "chanx.bridge.web.list_topic",
    "JobRef": "chanx.bridge.start",
    "JobSnapshot": "chanx.bridge.snapshot",
    "JobTask": "chanx.bridge.worker",
    "JobTopic": "chanx.bridge.web.topic",
    "Retention": "chanx.bridge.store.base",
    "StartedJob": "chanx.bridge.start",
    "bridge_of": "chanx.bridge.installed",
    "current_job": "chanx.bridge.worker",
    "detach": "chanx.bridge.scope",
    "install": "chanx.bridge.worker",
    "owner_group": "chanx.bridge.names",
    "owner_of": "chanx.bridge.owner",
    "start_job": "chanx.bridge.start",
    "start_job_sync": "chanx.bridge.start",
}

__all__ = [
    "Bridge",
    "Delivery",
    "Job",
    "JobAction",
    "JobCancelled",
    "JobError",
    "JobEvent",
    "JobListTopic",
    "JobRef",
    "JobSnapshot",
    "JobTask",
    "JobTopic",
    "Retention",
    "StartedJob",
    "bridge_of",
    "current_job",
    "detach",
    "install",
    "owner_group",
    "owner_of",
    "start_job",
    "start_job_sync",
]


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name not in {"celery", "kombu", "redis"}:
            raise
        raise MissingExtraError(f'{error.name} is not installed: pip install "chanx[bridge]"') from error
