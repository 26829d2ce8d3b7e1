"""Testing tasks as jobs: in memory and inline, on real workers, and as a client sees them."""

from chanx.testing.jobs.events import JobEvents
from chanx.testing.jobs.matching import Like, like
from chanx.testing.jobs.memory import MemoryBridge
from chanx.testing.jobs.observed import ObservedJob
from chanx.testing.jobs.waiting import wait_for_job, wait_for_job_async
from chanx.testing.jobs.watcher import JobWatcher, watch_job

__all__ = [
    "JobEvents",
    "JobWatcher",
    "Like",
    "MemoryBridge",
    "ObservedJob",
    "like",
    "wait_for_job",
    "wait_for_job_async",
    "watch_job",
]
