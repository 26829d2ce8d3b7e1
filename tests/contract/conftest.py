"""The job stores that the contract suites run over."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps

from chanx.bridge.contrib.models import Epoch
from chanx.bridge.contrib.store import DjangoJobStore
from chanx.bridge.store.base import JobStore, Retention
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.store.redis import RedisJobStore
from tests.contract.jobs import RETENTION, create
from tests.databases import migrated, postgres_settings, sqlite_settings

StoreMaker = Callable[[Retention], JobStore]


KINDS = ["memory", "redis", "django-sqlite", "django-postgres"]


@pytest.fixture(scope="session")
def sqlite_alias(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[str]:
    with django_db_blocker.unblock(), migrated(sqlite_settings(tmp_path_factory.mktemp("jobs"))) as alias:
        yield alias


@pytest.fixture(scope="session")
def postgres_alias(django_db_blocker: Any) -> Iterator[str]:
    with django_db_blocker.unblock(), postgres_settings() as settings, migrated(settings) as alias:
        yield alias


@pytest.fixture(params=KINDS)
def store_with(request: pytest.FixtureRequest) -> Iterator[StoreMaker]:
    """How to make an empty store of each kind, with a retention."""
    with ExitStack() as stores:

        def make(retention: Retention) -> JobStore:
            if request.param == "memory":
                return MemoryJobStore(retention)
            if request.param.startswith("django"):
                alias = request.getfixturevalue(f"{request.param.removeprefix('django-')}_alias")
                return stores.enter_context(closing(emptied(DjangoJobStore(alias, retention=retention))))
            url = request.getfixturevalue("redis_url")
            return stores.enter_context(closing(RedisJobStore(url, prefix=f"test-{uuid4().hex}", retention=retention)))

        yield make


def emptied(store: DjangoJobStore) -> DjangoJobStore:
    """Jobs are invisible to each other, but those of an owner, and workers and deadlines, are not."""
    tables = [model._meta.db_table for model in apps.get_app_config("chanx_jobs").get_models() if model is not Epoch]
    store._database.ask(*((f"DELETE FROM {table}", ()) for table in tables))
    return store


@pytest.fixture
def store(store_with: StoreMaker) -> JobStore:
    return store_with(RETENTION)


@pytest.fixture
def job_id(store: JobStore) -> str:
    return create(store)
