"""The worker's settings come from the environment, once, by one name each."""

from __future__ import annotations

from pathlib import Path

import pytest

from example_worker.settings import Settings


def test_from_the_environment(tmp_path: Path) -> None:
    settings = Settings.from_env({"CHANX_REDIS_URL": "redis://host:1/2", "EXAMPLE_UPLOAD_DIR": str(tmp_path)})
    assert (settings.redis_url, settings.upload_dir) == ("redis://host:1/2", tmp_path)


def test_defaults_where_nothing_is_set() -> None:
    assert Settings.from_env({"CHANX_REDIS_URL": ""}).redis_url == "redis://127.0.0.1:6379/0"


def test_one_setting_puts_a_worker_on_the_event_bus() -> None:
    settings = Settings.from_env({"CHANX_STORE_URL": "event-bus://", "CHANX_BROKER_URL": "amqp://host"})
    assert (settings.store_url, settings.celery_url, settings.results_url) == ("event-bus://", "amqp://host", None)


@pytest.mark.parametrize(
    ("redis_url", "celery_url"),
    [
        ("redis://host/0", "redis://host/0"),
        ("rediss://host/0?ssl_cert_reqs=none", "rediss://host/0?ssl_cert_reqs=none"),
        ("unix:///run/a.sock", "redis+socket:///run/a.sock"),
        ("unix:///run/a.sock?db=2", "redis+socket:///run/a.sock?virtual_host=2"),
    ],
)
def test_celery_spells_unix_sockets_differently(redis_url: str, celery_url: str) -> None:
    assert Settings(redis_url=redis_url).celery_url == celery_url
