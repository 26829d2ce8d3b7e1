"""The names of a job on the wire: its id, its topic, its channel-layer group, the group of an owner."""

import hashlib
import re
import secrets
from typing import Any

from chanx.errors import InvalidNameError

JOB_TOPIC_PATTERN = "job:{job_id}"

JOB_STREAM_PROTOCOL = "job-stream"
JOB_LIST_PROTOCOL = "job-list"
"""How the AsyncAPI document calls what the frames of jobs and of their lists follow."""

LIVE_EVENT_TYPE = "handle_topic_event"
"""The type of the channel-layer messages that carry a job's events."""

JOB_ID = "[A-Za-z0-9_-]{1,64}"
"""A job's id as a regular expression."""

_JOB_ID = re.compile(JOB_ID)


def new_job_id() -> str:
    """A new id: 22 URL-safe characters, 128 random bits, so that an id cannot be guessed.

    It begins with no hyphen, which a command line would take for an option.
    """
    while (job_id := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return job_id


def validated_job_id(job_id: str) -> str:
    """``job_id`` itself; :class:`InvalidNameError` for anything that could not be a part of a key or a group name."""
    if not _JOB_ID.fullmatch(job_id):
        raise InvalidNameError(f"Not a job id: {job_id[:80]!r}. Use 1 to 64 of the characters A-Z a-z 0-9 _ -")
    return job_id


def is_job_id(job_id: str) -> bool:
    """Whether ``job_id`` could be one; a client may send anything."""
    return _JOB_ID.fullmatch(job_id) is not None


def job_topic(job_id: str) -> str:
    """The topic a client subscribes to: ``job:<job_id>``."""
    return JOB_TOPIC_PATTERN.format(job_id=job_id)


def job_group(job_id: str) -> str:
    """The channel-layer group that carries the live events of a job, for publishers and for the job topic alike."""
    return f"chanx.job.{job_id}"


def owner_group(owner: str) -> str:
    """The channel-layer group of an owner's connections, for ``job.notify(event, user=...)``.

    A consumer joins it by ``groups`` or ``group_add``. It is a digest, as an owner string may hold any characters.
    """
    return f"chanx.owner.{hashlib.sha256(owner.encode()).hexdigest()[:32]}"


def list_group(owner: str) -> str:
    """The channel-layer group that is told when a job of an owner, or one that a watcher may see, changes its state."""
    return f"chanx.jobs.{hashlib.sha256(owner.encode()).hexdigest()[:32]}"


def list_message(group: str, job_id: str, state: str) -> dict[str, Any]:
    """What a :func:`list_group` is told: this job is in this state now."""
    return {"type": LIVE_EVENT_TYPE, "topic": group, "job_id": job_id, "state": state}
