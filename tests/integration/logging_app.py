"""A Celery app whose worker logs as docs/operations/logging-and-health.md says."""

import logging
import os
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import setup_logging

from chanx.bridge import JobError, JobTask, install

URL = os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")

app = Celery("logging_app", broker=URL, backend=URL)
app.conf.update(broker_connection_retry_on_startup=True)
bridge = install(app, store=URL)
log = logging.getLogger("shop.tasks")


@setup_logging.connect
def configure(**_: Any) -> None:
    dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"chanx": {"()": "chanx.utils.log_context.ContextFilter"}},
            "formatters": {"line": {"format": "%(name)s %(levelname)s job=%(job_id)s task=%(task_id)s %(message)s"}},
            "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["chanx"], "formatter": "line"}},
            "root": {"level": "INFO", "handlers": ["console"]},
        }
    )


@app.task(bind=True, base=JobTask)
def check(self: Any, text: str) -> None:
    log.info("checking %s", text)


@app.task(bind=True, base=JobTask, throws=(FileNotFoundError,))
def fail(self: Any, kind: str) -> None:
    errors = {
        "for the user": JobError("The file is empty."),
        "expected": FileNotFoundError("a"),
        "bug": ValueError("b"),
    }
    raise errors[kind]


@app.task
def plain() -> None:
    log.info("of no job")
