"""The side of the bridge that runs in a Celery worker. It loads no Django, no consumers and no event loop."""

from chanx.bridge.worker.current import current_job
from chanx.bridge.worker.install import install
from chanx.bridge.worker.job import Job
from chanx.bridge.worker.task import JobTask

__all__ = ["Job", "JobTask", "current_job", "install"]
