"""Where the example worker finds its server and its files, and what it refuses to do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"
DEFAULT_UPLOAD_DIR = "example_site/var/uploads"  # where the site keeps them, seen from the repository's root


@dataclass(frozen=True, slots=True)
class Settings:
    """``redis_url`` serves as broker, result backend, job log and channel layer; ``upload_dir`` is the site's own.

    A worker that cannot reach that Redis has ``store_url="event-bus://"`` and a ``broker_url`` of a broker that both
    reach: it tells its jobs there, to a ``chanx relay`` beside the site. The site has the ``broker_url`` only.

    ``max_columns`` bounds an event's size, ``listed_bad_rows`` the log's length. ``stats_period`` is in seconds.
    """

    redis_url: str = DEFAULT_REDIS_URL
    broker_url: str | None = None
    store_url: str | None = None
    upload_dir: Path = Path(DEFAULT_UPLOAD_DIR)
    max_columns: int = 200
    listed_bad_rows: int = 100
    stats_period: float = 0.5

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        """Read CHANX_REDIS_URL (``redis://``, ``rediss://`` or ``unix://``), CHANX_BROKER_URL, CHANX_STORE_URL and
        EXAMPLE_UPLOAD_DIR.
        """
        return cls(
            redis_url=env.get("CHANX_REDIS_URL") or DEFAULT_REDIS_URL,
            broker_url=env.get("CHANX_BROKER_URL") or None,
            store_url=env.get("CHANX_STORE_URL") or None,
            upload_dir=Path(env.get("EXAMPLE_UPLOAD_DIR") or DEFAULT_UPLOAD_DIR).resolve(),
        )

    @property
    def celery_url(self) -> str:
        """The broker; a Redis as Celery spells it: a Unix socket is ``redis+socket://``, ``db`` ``virtual_host``."""
        if self.broker_url:
            return self.broker_url
        scheme, separator, rest = self.redis_url.partition("://")
        if scheme != "unix":
            return self.redis_url
        return f"redis+socket{separator}{rest.replace('?db=', '?virtual_host=').replace('&db=', '&virtual_host=')}"

    @property
    def results_url(self) -> str | None:
        """Where Celery keeps results: the broker, if it is a Redis. Without, a chord (of many files) cannot run."""
        return None if self.celery_url.startswith("amqp") else self.celery_url
