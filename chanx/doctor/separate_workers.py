"""Whether Celery's workers are processes apart from the one that publishes tasks."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit


def broker_of(url: Any, *, eager: bool) -> str | None:
    """The scheme of a broker (Celery's ``broker_url``), such as ``redis://``, or None where no worker is apart."""
    if not url or eager:
        return None
    first = url if isinstance(url, str) else url[0]
    scheme = urlsplit(first).scheme
    return None if scheme == "memory" else f"{scheme}://"


def broker_of_app(app: Any) -> str | None:
    """The same, of a Celery app."""
    return broker_of(app.conf.broker_url or "amqp://", eager=app.conf.task_always_eager)
