"""Starts jobs from a process of its own, on whatever Celery that has, and prints their ids by case, as JSON.

python -m tests.integration.signals.start (queued | eager) <key> <case>...
"""

from __future__ import annotations

import json
import sys
from typing import Any

from chanx.bridge import start_job_sync
from tests.integration.signals import app
from tests.integration.signals.workflow import Workflow, everything


def signature_of(case: str, key: str) -> Any:
    flow = Workflow(key)
    match case:
        case "success":
            return flow.step("a")
        case "failure":
            return flow.step("a", app.failing_step)
        case "retry":
            return flow.retrying("a")
        case "nested":
            return flow.nesting("a", "b", "c")
        case "everything":
            return everything(key)[1]
        case _:
            raise ValueError(f"There is no case {case!r}")


if __name__ == "__main__":
    how, key, *cases = sys.argv[1:]
    app.app.conf.task_always_eager = how == "eager"
    print(  # noqa: T201
        json.dumps({case: start_job_sync(signature_of(case, f"{key}-{case}"), owner="user:1").job_id for case in cases})
    )
