"""What is said of a job store that cannot be used, and how a store is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from celery import Celery

from chanx.bridge import Bridge, install
from chanx.bridge.contrib.store import DjangoJobStore
from chanx.bridge.worker_report import store_name
from chanx.doctor import examination
from chanx.doctor.examination import examine
from chanx.layers import LayerSpec
from tests.databases import alias_for

PASSWORD = "hunter2"


@pytest.fixture
def app() -> Iterator[Celery]:
    with closing(Celery("examined", broker="redis://127.0.0.1:1/0", set_as_current=False)) as app:
        yield app


def bridge_with(app: Celery, store: DjangoJobStore) -> Bridge:
    return install(app, store=store, layer=LayerSpec.redis_pubsub("redis://127.0.0.1:1/0"))


def test_a_store_whose_settings_are_wrong_is_a_finding_like_any(app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a store of a database that the settings do not have, then the doctor says so, and goes on."""
    asked: list[Any] = []
    monkeypatch.setattr(examination, "connect_to_broker", lambda *_, **__: None)
    monkeypatch.setattr(examination, "ask_workers", lambda *_, **__: asked)
    bridge = bridge_with(app, DjangoJobStore("nowhere"))

    found = {finding.id: finding.text for finding in examine(bridge, {}, seconds=0.1).findings}

    assert found.keys() == {"chanx.E201", "chanx.E302"}
    assert "DATABASES has no 'nowhere'" in found["chanx.E201"]


def test_a_store_in_a_database_is_named_by_where_it_is(app: Celery) -> None:
    postgres = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "db",
        "PORT": "5433",
        "NAME": "shop",
        "USER": "u",
        "PASSWORD": PASSWORD,
    }
    with alias_for(postgres) as alias:
        name = store_name(bridge_with(app, DjangoJobStore(alias)))
        assert name == f"DjangoJobStore in DATABASES[{alias!r}], postgresql shop on db:5433"
    with alias_for({"ENGINE": "django.db.backends.sqlite3", "NAME": "/var/jobs.sqlite3"}) as alias:
        name = store_name(bridge_with(app, DjangoJobStore(alias)))
        assert name == f"DjangoJobStore in DATABASES[{alias!r}], sqlite3 /var/jobs.sqlite3"
    assert store_name(bridge_with(app, DjangoJobStore("nowhere"))) == "DjangoJobStore in DATABASES['nowhere']"


def test_a_store_whose_application_is_not_installed_has_a_name_too(app: Celery, settings: Any) -> None:
    bridge = bridge_with(app, DjangoJobStore())
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "chanx.bridge.contrib"]
    assert store_name(bridge) == "DjangoJobStore"
