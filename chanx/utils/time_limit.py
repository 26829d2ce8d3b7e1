"""Celery's soft time limit, which strikes anywhere in a task."""

import sys
from typing import Any


def is_time_limit(error: Exception) -> bool:
    """Whether it is that, which is meant for the task: whoever catches everything else lets it pass."""
    exceptions: Any = sys.modules.get("billiard.exceptions")  # imported already, if there is a task
    return exceptions is not None and isinstance(error, exceptions.SoftTimeLimitExceeded)
