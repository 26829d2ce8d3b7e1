"""A store in a SQLite file of its own."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from chanx.bridge.contrib.store import DjangoJobStore
from tests.contract.jobs import create
from tests.databases import alias_for, emptied, postgres_settings, sqlite_settings


@pytest.fixture
def store(sqlite_alias: str) -> Iterator[DjangoJobStore]:
    with closing(emptied(DjangoJobStore(sqlite_alias, timeout=0.5))) as store:
        yield store


@pytest.fixture
def job_id(store: DjangoJobStore) -> str:
    return create(store)


@pytest.fixture(params=["sqlite", "postgres"])
def empty_alias(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    with ExitStack() as stack:
        on_sqlite = request.param == "sqlite"
        settings = sqlite_settings(tmp_path) if on_sqlite else stack.enter_context(postgres_settings())
        yield stack.enter_context(alias_for(settings))


@pytest.fixture
def queries(django_db_blocker: Any) -> Iterator[None]:
    """Lets the test use Django's own connections, whose changes it has to clean up."""
    with django_db_blocker.unblock():
        yield
