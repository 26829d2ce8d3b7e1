"""What scripts on Redis promise beside the contract: they know their server, and never touch two slots of a cluster."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import redis
from redis.crc import key_slot

from chanx.bridge.entry import Deadline, Ending
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore
from chanx.bridge.store.redis import RedisJobStore
from chanx.bridge.store.redis_client import RedisClient
from chanx.bridge.store.redis_lines import Lines, Request
from chanx.testing.redis_server import RedisServer, redis_server
from tests.contract.jobs import Run, create, execution, record
from tests.tcp_proxy import tcp_proxy


@pytest.fixture
def store(redis_url: str, key_prefix: str) -> Iterator[RedisJobStore]:
    with closing(RedisJobStore(redis_url, prefix=key_prefix)) as made:
        yield made


def epochs(store: JobStore, job_id: str) -> set[str]:
    """What each way to read a job says."""
    snapshot, page, heads = store.snapshot(job_id), store.read(job_id, after=0, limit=1), store.heads([job_id])
    return {found.epoch for found in (snapshot, page, *heads) if found}


def test_a_script_that_is_called_first_after_a_restart_knows_the_new_server(own_persistent_redis: RedisServer) -> None:
    """Sent again on a new connection, its text would carry the old server's name, for all processes to come."""
    with (
        closing(RedisJobStore(own_persistent_redis.url)) as early,
        closing(RedisJobStore(own_persistent_redis.url)) as late,
    ):
        # Given one process that has read the job, and one that has only written to it
        job_id = create(early)
        (before,) = epochs(early, job_id)
        assert Run(late, job_id).send().epoch == before

        # When
        own_persistent_redis.kill()
        own_persistent_redis.start()

        # Then
        after = epochs(late, job_id)
        assert len(after) == 1
        assert before not in after
        assert epochs(early, job_id) == after


def test_another_server_behind_the_same_address_begins_a_new_epoch(own_redis: RedisServer) -> None:
    """Also where others have made it know the scripts, and the job is the same as on the first."""
    with (
        redis_server(private=True) as other,
        tcp_proxy(own_redis.port) as proxy,
        closing(RedisJobStore(f"redis://127.0.0.1:{proxy.port}")) as store,
        closing(RedisJobStore(other.url)) as of_other,
    ):
        # Given the same job on both
        job = record()
        assert store.create(job) == of_other.create(job) == job.job_id
        (before,) = epochs(store, job.job_id)
        (expected,) = epochs(of_other, job.job_id)

        # When
        proxy.target_port = other.port
        proxy.cut()

        # Then
        assert epochs(store, job.job_id) == {expected} != {before}


def test_a_process_sends_each_script_once(store: RedisJobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    introduced: list[int] = []
    introduce = Lines._introduce

    def counting(lines: Lines, line: object, requests: list[Request], deadline: float) -> list[object]:
        introduced.append(len(requests))
        return introduce(lines, line, requests, deadline)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(Lines, "_introduce", counting)
    job_id = create(store)
    run = Run(store, job_id)

    for _ in range(5):
        run.send()
        store.snapshot(job_id)

    assert len(introduced) == 3


def test_a_script_is_sent_once_although_many_call_it_first(own_redis: RedisServer) -> None:
    with (
        closing(RedisJobStore(own_redis.url)) as writer,
        closing(RedisJobStore(own_redis.url)) as reader,
        redis.Redis.from_url(own_redis.url) as client,
    ):
        job_ids = [create(writer) for _ in range(5)]
        client.config_resetstat()

        assert all(reader.heads(job_ids))

        calls = {name: seen["calls"] for name, seen in client.info("commandstats").items()}
    assert (calls["cmdstat_eval"], calls["cmdstat_evalsha"]) == (1, 4)


def keys_of(asked: Request) -> list[bytes]:
    """What a command names: a script's keys, or a plain command's first argument."""
    parts = asked.parts.split(b"\r\n")[1::2]
    return parts[1 : 1 + int(parts[0])] if asked.script else parts[1:2]


def test_each_script_and_command_has_keys_of_one_slot(
    store: RedisJobStore, monkeypatch: pytest.MonkeyPatch, key_prefix: str
) -> None:
    # Given
    asked: list[Request] = []
    ask = RedisClient.ask

    def recording(client: RedisClient, *requests: Request) -> list[object]:
        asked.extend(requests)
        return ask(client, *requests)

    monkeypatch.setattr(RedisClient, "ask", recording)

    # When everything is asked
    use_all_of(store)

    # Then
    assert {each.script for each in asked} >= set(vars(store._scripts).values()) - {store._scripts._constants}
    for each in asked:
        keys = keys_of(each)
        assert all(key.startswith(key_prefix.encode()) for key in keys)
        assert len({key_slot(key) for key in keys}) == 1


def use_all_of(store: RedisJobStore) -> None:
    started = record(key="k").model_copy(update={"watchers": ("project:7",)})
    job_id = store.create(started, pending={"p1": "t1"}, max_active=5)
    assert store.create(record(key="k")) == job_id
    run = Run(store, job_id, task_id="t1")
    begun = execution("p1", job_id=job_id, run_id=run.run_id)
    store.renew_lease("w")
    run.append(state=JobState.STARTED, claims=True, worker="w", execution=begun)
    store.add_pending(job_id, "p2", "t2", worker="w")
    store.unclaimed(job_id, worker="w")
    store.drop_pending(job_id, ["p2"])
    store.outcome(job_id)
    store.hold("w", [execution("p3")])
    store.held("w")
    store.release("w", ["p3"])
    deadline = Deadline("stopped", begun)
    store.set_deadline(deadline, seconds=0)
    store.due_deadlines()
    store.clear_deadline(deadline)
    store.request_cancel(job_id)
    store.is_cancelled(job_id)
    run.append(state=JobState.SUCCEEDED, ending=Ending("p1", "succeeded"), worker="w")
    store.read(job_id, after=0, limit=10)
    store.heads([job_id])
    assert [job.job_id for job in store.jobs_of("project:7")] == [job_id]
    store.drop_lease("w")
    assert store.delete(job_id)
