"""The job store on a real PostgreSQL server: own transactions, lost and hanging servers, and a job from end to end."""

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.db import connections, transaction

from chanx.bridge import Bridge, JobTopic, install, start_job_sync
from chanx.bridge.contrib.store import DjangoJobStore
from chanx.bridge.entry import AppendStatus
from chanx.bridge.store.base import StoreUnavailableError
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.errors import TooManyJobsError
from chanx.testing.redis_server import RedisServer
from tests.contract.jobs import Run, create, record, snapshot_of, texts
from tests.databases import alias_for, emptied, migrated, postgres_server
from tests.integration import django_jobs_app as jobs
from tests.integration.test_job_topic import connected
from tests.integration.worker_process import disconnect, forget_backend, worker
from tests.waiting import wait_until


@pytest.fixture
def store(postgres_alias: str) -> Iterator[DjangoJobStore]:
    with closing(emptied(DjangoJobStore(postgres_alias, timeout=5))) as store:
        yield store


@pytest.fixture
def job_id(store: DjangoJobStore) -> str:
    return create(store)


@contextmanager
def session(store: DjangoJobStore, **options: Any) -> Iterator["psycopg.Connection[Any]"]:
    """Another client of the same database."""
    place = connections[store.alias].settings_dict
    where = {"host": place["HOST"], "port": place["PORT"], "user": place["USER"], "dbname": place["NAME"]}
    with closing(psycopg.connect(**where, **options)) as connection:
        yield connection


_OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'chanx'"


def lose_connections(store: DjangoJobStore) -> None:
    """The server ends them all, and has done so when this returns."""
    with session(store, autocommit=True) as other:
        other.execute(f"SELECT pg_terminate_backend(pid) {_OTHERS}")
        wait_until(lambda: other.execute(f"SELECT count(*) {_OTHERS}").fetchone() == (0,))


def test_events_outlive_the_transaction_that_they_are_about(store: DjangoJobStore, django_db_blocker: Any) -> None:
    # Given a request that starts a job
    with django_db_blocker.unblock():
        transaction.set_autocommit(False, using=store.alias)
        with connections[store.alias].cursor() as cursor:
            cursor.execute("CREATE TABLE rolled_back (x int)")
        job_id = create(store)
        Run(store, job_id).append('{"in":"transaction"}')

        # Then everybody sees the job before the end of the transaction
        with ThreadPoolExecutor(1) as another:
            assert another.submit(texts, store, job_id).result() == [(1, '{"in":"transaction"}')]

        # When
        transaction.rollback(using=store.alias)
        transaction.set_autocommit(True, using=store.alias)

    # Then
    assert texts(store, job_id) == [(1, '{"in":"transaction"}')]


def test_connections_that_the_server_has_ended_are_replaced(store: DjangoJobStore, job_id: str) -> None:
    run = Run(store, job_id)
    run.append()

    lose_connections(store)

    assert run.append() is AppendStatus.APPENDED
    assert len(texts(store, job_id)) == 2


def test_who_holds_a_job_does_not_stall_the_others(store: DjangoJobStore, postgres_alias: str) -> None:
    # Given somebody who has a job's row and does not give it back
    quick = DjangoJobStore(postgres_alias, timeout=0.5)
    held, free = create(store), create(store)
    with session(store) as other:
        other.execute("SELECT 1 FROM chanx_jobs_job WHERE job_id = %s FOR UPDATE", (held,))
        begun = time.monotonic()

        # Then
        with pytest.raises(StoreUnavailableError, match="timeout"):
            Run(quick, held).append()
        assert time.monotonic() - begun < 30
        assert Run(quick, free).append() is AppendStatus.APPENDED
        assert snapshot_of(quick, held).seq == 0
        other.rollback()

    assert Run(quick, held).append() is AppendStatus.APPENDED
    quick.close()


def test_who_stands_still_with_a_job_in_hand_loses_it(store: DjangoJobStore, job_id: str, postgres_alias: str) -> None:
    still = DjangoJobStore(postgres_alias, timeout=0.2)

    def append() -> bool:
        with suppress(StoreUnavailableError):
            return Run(store, job_id).append() is AppendStatus.APPENDED
        return False

    # Given one who has begun an append
    block = still._database.transaction()
    block.__enter__().ask(("SELECT 1 FROM chanx_jobs_job WHERE job_id = %s FOR UPDATE", (job_id,)))

    # Then another one has the job in the end, and the first one is told
    wait_until(append)
    with pytest.raises(StoreUnavailableError, match="idle-in-transaction"):
        block.__exit__(None, None, None)
    assert len(texts(store, job_id)) == 1


def test_a_limit_holds_where_many_start_at_once(store: DjangoJobStore) -> None:
    def start(_: int) -> bool:
        try:
            store.create(record(), max_active=3)
        except TooManyJobsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(start, range(16)))

    assert started.count(True) == 3


def test_tables_that_were_made_anew_begin_a_new_epoch(store: DjangoJobStore, job_id: str) -> None:
    """As a dump does that is read back."""
    before = snapshot_of(store, job_id).epoch
    with session(store, autocommit=True) as other:
        other.execute("CREATE TABLE restored (LIKE chanx_jobs_event INCLUDING ALL)")
        other.execute("DROP TABLE chanx_jobs_event")
        other.execute("ALTER TABLE restored RENAME TO chanx_jobs_event")
    store.close()

    after = snapshot_of(store, job_id).epoch

    assert after != before
    store.close()
    assert snapshot_of(store, job_id).epoch == after


def test_a_server_that_hangs_or_is_gone_is_told_of_in_time(django_db_blocker: Any) -> None:
    """On a server of this test's own, which is started where PostgreSQL is installed."""
    with django_db_blocker.unblock(), postgres_server() as server:
        settings = {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", **server}
        with migrated(settings) as alias, closing(DjangoJobStore(alias, timeout=0.5)) as store:
            # Given
            job_id = create(store)
            run = Run(store, job_id)
            with session(store) as other:
                ((pid,),) = other.execute(f"SELECT pid {_OTHERS}").fetchall()
            entry = run.entry()

            # When the process that serves the connection stands still
            os.kill(pid, signal.SIGSTOP)
            begun = time.monotonic()
            with pytest.raises(StoreUnavailableError, match="no answer within"):
                store.append(entry)
            waited = time.monotonic() - begun

            # Then the next one has another connection
            assert waited < 30
            assert store.append(entry).status is AppendStatus.APPENDED
            os.kill(pid, signal.SIGCONT)
            connections[alias].close()

    with alias_for(settings) as alias, pytest.raises(StoreUnavailableError, match="refused"):
        DjangoJobStore(alias).snapshot(job_id)


@pytest.fixture
def bridge(store: DjangoJobStore, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    """The bridge of the worker's app in this process; a worker gets the same from its environment."""
    place = connections[store.alias].settings_dict
    database = {name: place[name] for name in ("ENGINE", "NAME", "HOST", "PORT", "USER")}
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.integration.django_jobs_settings")
    monkeypatch.setenv("CHANX_TEST_DATABASE", json.dumps(database))
    jobs.app.conf.update(broker_url=own_redis.url, result_backend=own_redis.url)
    forget_backend(jobs.app)
    yield install(jobs.app, store=store, layer=RedisPubSubChannelLayer(hosts=[own_redis.url]))
    disconnect(jobs.app)


async def test_a_job_from_end_to_end(bridge: Bridge, own_redis: RedisServer, tmp_path: Path) -> None:
    # Given a client that watches a job of a worker, all of them on PostgreSQL
    layer = RedisPubSubChannelLayer(hosts=[own_redis.url])

    class Jobs(JobTopic):
        pass

    Jobs.bridge = bridge

    class JobsConsumer(AsyncJsonWebsocketConsumer):
        topics = [Jobs]
        get_channel_layer = staticmethod(lambda alias: layer)

    with worker("tests.integration.django_jobs_app", jobs.app, own_redis.url, log=tmp_path / "worker.log"):
        job = start_job_sync(jobs.write_and_give_up, 30, owner="user:1", meta={"title": "é"})
        async with connected(JobsConsumer, job.ref.topic) as client:
            # When
            subscribed = await client.subscribe()
            ended = await client.hear_until("job_failed")

    # Then it saw every event, those of the transaction that was rolled back as well
    assert subscribed["payload"]["snapshot"]["meta"] == {"title": "é"}
    assert client.seqs == list(range(1, ended["seq"] + 1))
    lines = [frame["payload"]["message"] for frame in client.frames if frame["action"] == "job_log"]
    assert lines == [f"row {number}" for number in range(30)]
    assert ended["payload"]["error"]["code"] == "no_rows"
    snapshot = snapshot_of(bridge.store, job.job_id)
    assert (snapshot.state, snapshot.fields["job_progress"]["current"]) == ("failed", 30)
    with connections_of(bridge) as other:
        assert other.execute("SELECT to_regclass('written_rows')").fetchone() == (None,)


def connections_of(bridge: Bridge) -> Any:
    assert isinstance(bridge.store, DjangoJobStore)
    return session(bridge.store)
