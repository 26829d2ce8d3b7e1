"""Runs one job eagerly in a process of its own, on whatever Celery that has, and prints the job's id.

python -m tests.integration.signals.eager <case> <key>
"""

from __future__ import annotations

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
    how, case, key = sys.argv[1:]
    app.app.conf.task_always_eager = how == "eager"
    print(start_job_sync(signature_of(case, key), owner="user:1").job_id)  # noqa: T201
