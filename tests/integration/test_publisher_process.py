"""Publishers in forked processes, over a long run, and while their Redis is down."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import redis
from celery import Celery
from channels_redis.pubsub import RedisPubSubChannelLayer

from chanx.layers import LayerSpec, LoopPublisher, Publisher, RedisPubSubPublisher
from chanx.testing.redis_server import EmbeddedRedisServer, RedisServer
from tests.waiting import wait_until

# Forking beside threads is what these tests are about; Python 3.12 and later warn of it.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")

BOUND = 5.0
"""Half a second, and what a busy machine may add; what has no bound waits for ever, or half a second for each event."""


def direct(url: str) -> Publisher:
    return RedisPubSubPublisher(LayerSpec.redis_pubsub(url))


def general(url: str) -> Publisher:
    return LoopPublisher(RedisPubSubChannelLayer(hosts=[url]))


both = pytest.mark.parametrize("make", [direct, general])


class Listener:
    """A plain Redis subscriber of one group."""

    def __init__(self, url: str, group: str) -> None:
        self._client = redis.Redis.from_url(url)
        self._pubsub = self._client.pubsub()
        self._pubsub.subscribe(f"asgi__group__{group}")
        self._pubsub.get_message(timeout=10)

    def count(self, wanted: int) -> int:
        """How many messages came: returns at ``wanted``, or when nothing more comes for a while."""
        got = 0
        while got < wanted and self._pubsub.get_message(ignore_subscribe_messages=True, timeout=2) is not None:
            got += 1
        return got

    def close(self) -> None:
        self._pubsub.close()
        self._client.close()


@pytest.fixture
def listen(redis_url: str, key_prefix: str) -> Iterator[Listener]:
    listener = Listener(redis_url, key_prefix)
    yield listener
    listener.close()


def forked(work: Callable[[], None]) -> int:
    """Run ``work`` in a forked child; its exit code (9 if it was still running after ten seconds)."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(10)
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@both
def test_a_forked_child_publishes_for_itself(
    make: Callable[[str], Publisher], redis_url: str, key_prefix: str, listen: Listener
) -> None:
    # Given a publisher that has published before the fork, from two threads
    publisher = make(redis_url)
    publisher.group_send(key_prefix, {"type": "note", "by": "parent"})
    thread = threading.Thread(target=publisher.group_send, args=(key_prefix, {"type": "note", "by": "thread"}))
    thread.start()
    thread.join()

    def child() -> None:
        for _ in range(50):
            publisher.group_send(key_prefix, {"type": "note", "by": "child"})
        if publisher.failures:
            os._exit(2)
        publisher.close()

    # When children publish with it, and the parent after them
    codes = [forked(child) for _ in range(3)]
    for _ in range(50):
        publisher.group_send(key_prefix, {"type": "note", "by": "parent"})

    # Then nobody hangs or fails, and everything arrives
    assert codes == [0, 0, 0]
    assert publisher.failures == 0
    assert listen.count(202) == 202
    publisher.close()


def test_a_fork_in_the_middle_of_a_publish_leaves_the_child_free(
    redis_url: str, key_prefix: str, listen: Listener
) -> None:
    # Given a thread that publishes all the time, so that a fork catches it with a lock or an answer in its hands
    publisher = direct(redis_url)
    stop = threading.Event()

    def publish_all_the_time() -> None:
        while not stop.is_set():
            publisher.group_send("busy", {"type": "note"})

    thread = threading.Thread(target=publish_all_the_time)
    thread.start()

    # When processes are forked meanwhile, Then each child can publish
    try:
        codes = [forked(lambda: publisher.group_send(key_prefix, {"type": "note"})) for _ in range(20)]
    finally:
        stop.set()
        thread.join()
    assert codes == [0] * 20
    assert listen.count(20) == 20
    assert publisher.failures == 0
    publisher.close()


@both
def test_connections_stay_few_over_ten_thousand_messages(
    make: Callable[[str], Publisher], own_redis: RedisServer
) -> None:
    # Given a publisher in use
    client = redis.Redis.from_url(own_redis.url)
    publisher = make(own_redis.url)
    publisher.group_send("room", {"type": "note"})
    before = client.info("clients")["connected_clients"]
    total_before = client.info("stats")["total_connections_received"]

    # When it publishes many messages
    messages = 10_000 if make is direct else 2_000
    for n in range(messages):
        publisher.group_send("room", {"type": "note", "n": n})

    # Then no connection was added, or replaced
    assert client.info("clients")["connected_clients"] == before
    assert client.info("stats")["total_connections_received"] == total_before
    assert client.info("commandstats")["cmdstat_publish"]["calls"] == messages + 1
    publisher.close()
    client.close()


def test_many_threads_share_one_connection(own_redis: RedisServer) -> None:
    # Given a publisher
    client = redis.Redis.from_url(own_redis.url)
    client.ping()
    before = client.info("clients")["connected_clients"]
    publisher = direct(own_redis.url)

    # When forty threads publish at the same time
    def publish() -> None:
        for _ in range(50):
            publisher.group_send("room", {"type": "note"})

    threads = [threading.Thread(target=publish) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # Then every message got through, over one connection
    assert publisher.failures == 0
    assert client.info("commandstats")["cmdstat_publish"]["calls"] == 2000
    assert client.info("clients")["connected_clients"] == before + 1

    # And closing closes them
    publisher.close()
    wait_until(lambda: client.info("clients")["connected_clients"] == before)
    client.close()


@both
def test_a_redis_that_is_down_neither_fails_nor_stalls_and_heals(
    make: Callable[[str], Publisher], own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a publisher whose Redis goes away
    publisher = make(own_redis.url)
    publisher.group_send("room", {"type": "note"})
    own_redis.kill()

    # When it goes on publishing, Then nothing is raised, and it takes no time worth mentioning
    with caplog.at_level(logging.WARNING, logger="chanx"):
        assert took(lambda: publisher.group_send("room", {"type": "note"})) < BOUND
        assert took(lambda: [publisher.group_send("room", {"type": "note"}) for _ in range(100)]) < BOUND
    # And every lost message is counted, and the log has one line
    assert publisher.failures == 101
    assert [record.event for record in caplog.records if record.name == "chanx"] == ["publish_failed"]

    # When Redis is back, Then the publisher heals by itself
    own_redis.start()
    listener = Listener(own_redis.url, "room")
    wait_until(lambda: not fails(publisher))
    assert listener.count(1) == 1
    # And not only one message a second gets through
    assert not any(fails(publisher) for _ in range(20))
    listener.close()
    publisher.close()


@both
def test_a_redis_that_does_not_answer_costs_half_a_second_at_most(
    make: Callable[[str], Publisher], own_redis: EmbeddedRedisServer
) -> None:
    # Given a Redis that still takes connections but is frozen
    publisher, newcomer = make(own_redis.url), make(own_redis.url)
    publisher.group_send("room", {"type": "note"})
    assert own_redis.pid is not None
    os.kill(own_redis.pid, signal.SIGSTOP)

    # When one with a connection, and one without, publish
    try:
        assert took(lambda: publisher.group_send("room", {"type": "note"})) < BOUND
        assert took(lambda: newcomer.group_send("room", {"type": "note"})) < BOUND
        # Then the next calls return at once
        assert took(lambda: [publisher.group_send("room", {"type": "note"}) for _ in range(100)]) < BOUND
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)
    assert publisher.failures >= 2
    assert newcomer.failures == 1
    publisher.close()
    newcomer.close()


def test_a_restart_between_two_messages_loses_neither(own_redis: RedisServer) -> None:
    # Given a publisher whose connection the server has closed meanwhile
    publisher = direct(own_redis.url)
    publisher.group_send("room", {"type": "note"})
    own_redis.stop()
    own_redis.start()
    listener = Listener(own_redis.url, "room")

    # When it publishes, Then it connects anew and nothing is lost
    publisher.group_send("room", {"type": "note"})
    assert listener.count(1) == 1
    assert publisher.failures == 0
    listener.close()
    publisher.close()


def test_one_dead_host_of_two_does_not_silence_the_other(redis_url: str, own_redis: RedisServer) -> None:
    # Given two hosts, the second of which is down
    publisher = RedisPubSubPublisher(LayerSpec.redis_pubsub(redis_url, own_redis.url))
    own_redis.stop()

    # When messages go to many groups
    for number in range(40):
        publisher.group_send(f"room.{number}", {"type": "note"})

    # Then those of the first host got through
    assert 0 < publisher.failures < 40
    publisher.close()


def test_what_redis_refuses_is_counted_and_not_raised(own_redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    # Given a Redis that wants a password, which the publisher does not know
    admin = redis.Redis.from_url(own_redis.url)
    admin.config_set("requirepass", "hunter2")
    publisher = direct(own_redis.url.replace("redis://", "redis://:wrong-secret@"))
    knowing = direct(own_redis.url.replace("redis://", "redis://:hunter2@"))

    # When both publish, Then only the one that knows it succeeds
    with caplog.at_level(logging.WARNING, logger="chanx"):
        publisher.group_send("room", {"type": "note"})
    knowing.group_send("room", {"type": "note"})
    assert (publisher.failures, knowing.failures) == (1, 0)
    # And no log line tells a password
    assert "publish_failed" in caplog.text
    assert "wrong-secret" not in caplog.text
    publisher.close()
    knowing.close()
    admin.close()


class TimeLimitError(Exception):
    """Stands for Celery's SoftTimeLimitExceeded, which is an ordinary exception raised by a signal handler."""


@both
def test_a_time_limit_that_strikes_while_publishing_goes_through(
    make: Callable[[str], Publisher], own_redis: EmbeddedRedisServer
) -> None:
    # Given a publisher that waits for a frozen Redis
    def strike(*_: object) -> None:
        raise TimeLimitError

    publisher = make(own_redis.url)
    publisher.group_send("room", {"type": "note"})
    previous = signal.signal(signal.SIGALRM, strike)
    assert own_redis.pid is not None
    os.kill(own_redis.pid, signal.SIGSTOP)

    # When the time limit's signal comes in, Then it ends the task and is not taken for delivery trouble
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(TimeLimitError):
            publisher.group_send("room", {"type": "note"})
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)
        signal.signal(signal.SIGALRM, previous)

    # And the answer that is still to come is nobody else's
    listener = Listener(own_redis.url, "other")
    publisher.group_send("other", {"type": "note"})
    assert listener.count(1) == 1
    listener.close()
    publisher.close()


async def test_an_eager_task_publishes_inside_a_running_loop(redis_url: str, key_prefix: str, listen: Listener) -> None:
    # Given a task that is run eagerly, in a view or a consumer, so on a loop that runs
    app = Celery("eager", broker="memory://", set_as_current=False)
    app.conf.update(task_always_eager=True, task_eager_propagates=True)
    publisher = direct(redis_url)

    @app.task
    def publish() -> str:
        publisher.group_send(key_prefix, {"type": "note"})
        return "done"

    # When it is called, Then it has published before it returns
    assert publish.delay().get() == "done"
    assert listen.count(1) == 1
    assert publisher.failures == 0
    publisher.close()
    app.close()


def fails(publisher: Publisher) -> bool:
    before = publisher.failures
    publisher.group_send("room", {"type": "note"})
    return publisher.failures > before


def took(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
