"""The Celery app of the example: a worker without Django, whose jobs a site shows live. Run it with
``celery -A example_worker worker``.
"""

from __future__ import annotations

from celery import Celery

from chanx.bridge import install
from example_worker.settings import Settings

settings = Settings.from_env()

app = Celery(
    "example_worker",
    broker=settings.celery_url,
    backend=settings.results_url,
    include=["example_worker.tasks"],
)
app.conf.update(
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    task_track_started=True,
    # Jobs are long: none of them should wait behind another in a busy child while a free one has nothing to do.
    worker_prefetch_multiplier=1,
    # A job whose worker died is not run again by itself: half of its log is already on somebody's screen.
    task_acks_late=False,
    broker_connection_retry_on_startup=True,
    result_expires=24 * 3600,
)

bridge = install(app, store=settings.store_url or settings.redis_url)
