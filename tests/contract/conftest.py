"""The job stores that the contract suites run over, and a certificate for servers."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import uuid4

import pytest

from chanx.bridge.contrib.store import DjangoJobStore
from chanx.bridge.store.base import JobStore, Retention
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.store.redis import RedisJobStore
from tests.bus_bench import BusBench
from tests.contract.jobs import RETENTION, create
from tests.databases import emptied

StoreMaker = Callable[[Retention], JobStore]


KINDS = ["memory", "redis", "django-sqlite", "django-postgres", "event-bus"]

READ_BY_SITES = KINDS[:-1]


@pytest.fixture(params=KINDS)
def store_with(request: pytest.FixtureRequest) -> Iterator[StoreMaker]:
    """How to make an empty store of each kind, with a retention."""
    with ExitStack() as stores:

        def make(retention: Retention) -> JobStore:
            if request.param == "memory":
                return MemoryJobStore(retention)
            if request.param == "event-bus":
                return BusBench(MemoryJobStore(retention), asks=True, ends_jobs=False).store
            if request.param.startswith("django"):
                alias = request.getfixturevalue(f"{request.param.removeprefix('django-')}_alias")
                return stores.enter_context(closing(emptied(DjangoJobStore(alias, retention=retention, timeout=5))))
            url, prefix = request.getfixturevalue("redis_url"), f"test-{uuid4().hex}"
            return stores.enter_context(closing(RedisJobStore(url, prefix=prefix, retention=retention, timeout=5)))

        yield make


@pytest.fixture
def store(store_with: StoreMaker) -> JobStore:
    return store_with(RETENTION)


@pytest.fixture
def job_id(store: JobStore) -> str:
    return create(store)


@pytest.fixture(scope="session")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    directory = tmp_path_factory.mktemp("tls")
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=chanx"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(certificate), "-keyout", str(key)]
    subprocess.run([*request, *names], check=True, capture_output=True)
    return certificate, key
