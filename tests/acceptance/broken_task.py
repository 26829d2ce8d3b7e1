"""A task with a bug, for the worker under test; run as a module it starts a job of it: ``python -m ... OWNER``."""

import json
import sys
from typing import Any

from celery import shared_task

from chanx.bridge import JobTask, start_job_sync
from example_worker.app import app

SECRET = "password=hunter2"


@shared_task(bind=True, base=JobTask, name="acceptance.broken")
def broken(self: Any) -> None:
    self.job.log("Everything is fine so far")
    raise RuntimeError(f"could not connect: {SECRET}")


if __name__ == "__main__":
    app.set_default()
    meta = {"title": "A broken job", "kind": "command"}
    sys.stdout.write(json.dumps(start_job_sync(app.tasks["acceptance.broken"], owner=sys.argv[1], meta=meta).job_id))
