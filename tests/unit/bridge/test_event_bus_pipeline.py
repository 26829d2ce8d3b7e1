"""Messages that nobody waits for: whatever breaks, the broker has them in order, and nothing is missing in between."""

from collections import deque
from collections.abc import Iterator

import pytest
from celery import Celery
from celery.signals import worker_process_shutdown
from hypothesis import given, settings
from hypothesis import strategies as st

from chanx.bridge import install
from chanx.bridge.transports.event_bus.bus import Bus, BusInbox, BusLine, BusUnavailableError
from chanx.bridge.transports.event_bus.caller import BusCaller
from chanx.bridge.transports.event_bus.pipeline import WINDOW, WINDOW_BYTES, Pipeline
from chanx.bridge.transports.event_bus.store import EventBusStore
from chanx.bridge.worker import leaving
from chanx.layers.breaker import CircuitBreaker
from tests.waiting import wait_until

Step = tuple[str, int]

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), st.integers(1, 5)),
        st.tuples(st.just("confirm"), st.integers(0, 5)),
        st.tuples(st.just("break"), st.integers(0, 5)),
        st.tuples(st.sampled_from(["down", "up", "flush"]), st.just(0)),
    ),
    max_size=60,
)


class Broker(Bus):
    """Has what is in ``queue``; what is on a line's way it may or may not get before the line breaks."""

    def __init__(self) -> None:
        self.queue: list[bytes] = []
        self.lines: list[Line] = []
        self.is_down = False
        self.confirms = True

    def line(self) -> BusLine:
        if self.is_down:
            raise BusUnavailableError("down")
        self.lines.append(Line(self))
        return self.lines[-1]

    def inbox(self, queue: str) -> BusInbox:
        raise NotImplementedError

    def break_line(self, arrived: int = 0) -> None:
        """So many messages of the newest line arrive all the same."""
        if self.lines:
            line = self.lines[-1]
            line.arrive(arrived)
            line.is_broken = True


class Line(BusLine):
    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.on_its_way: deque[bytes] = deque()
        self.is_broken = False

    @property
    def address(self) -> str:
        raise NotImplementedError

    @property
    def outstanding(self) -> int:
        return len(self.on_its_way)

    def arrive(self, count: int) -> None:
        if not self.is_broken:
            for _ in range(min(count, len(self.on_its_way))):
                self._broker.queue.append(self.on_its_way.popleft())

    def put(self, queue: str, body: bytes) -> None:
        raise NotImplementedError

    def post(self, queue: str, body: bytes) -> None:
        self._check()
        self.on_its_way.append(body)

    def wait_for_confirms(self, at_most: int = 0) -> None:
        self._check()
        if not self._broker.confirms and self.outstanding > at_most:
            raise BusUnavailableError("No word within half a second.")
        self.arrive(self.outstanding - at_most)

    def next_answer(self, seconds: float) -> bytes | None:
        raise NotImplementedError

    def close(self) -> None:
        self.is_broken = True

    def _check(self) -> None:
        if self.is_broken or self._broker.is_down:
            raise BusUnavailableError("broken")


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def pipeline(broker: Broker) -> Iterator[Pipeline]:
    made = pipeline_to(broker)
    yield made
    broker.is_down, broker.confirms = False, True
    made.flush()  # which lets its thread end


def pipeline_to(broker: Broker) -> Pipeline:
    return Pipeline(broker.line, CircuitBreaker(rest=0))


@given(steps=STEPS)
@settings(deadline=None, max_examples=200)
def test_the_broker_has_all_in_order_whatever_breaks(steps: list[Step]) -> None:
    broker = Broker()
    pipeline = pipeline_to(broker)
    told: list[bytes] = []
    waiting: deque[bytes] = deque()

    def send() -> None:  # what was refused is sent again before anything else, as a spool does
        while waiting:
            pipeline.post("q", waiting[0])
            told.append(waiting.popleft())

    for number, (step, amount) in enumerate(steps):
        match step:
            case "post":
                waiting.extend(b"%d:%d" % (number, each) for each in range(amount))
                try_or_not(send)
            case "confirm" if broker.lines:
                broker.lines[-1].arrive(amount)
            case "break":
                broker.break_line(amount)
            case "down":
                broker.break_line(1)
                broker.is_down = True
            case "up":
                broker.is_down = False
            case _:
                try_or_not(pipeline.flush)
    broker.is_down = False
    send()
    pipeline.flush()

    assert list(dict.fromkeys(broker.queue)) == told
    assert len(pipeline) == 0


def try_or_not(send: object) -> None:
    try:
        assert callable(send)
        send()
    except BusUnavailableError:
        pass


def test_nobody_waits_before_the_window_is_full(broker: Broker, pipeline: Pipeline) -> None:
    broker.confirms = False
    for number in range(WINDOW):
        pipeline.post("q", b"%d" % number)

    with pytest.raises(BusUnavailableError):
        pipeline.post("q", b"one too many")

    assert len(pipeline) == WINDOW


def test_nobody_waits_before_there_is_much_on_its_way(broker: Broker, pipeline: Pipeline) -> None:
    broker.confirms = False
    pipeline.post("q", b"x" * (WINDOW_BYTES + 1))

    with pytest.raises(BusUnavailableError):
        pipeline.post("q", b"one too many")

    assert len(pipeline) == 1


def test_what_is_lost_on_its_way_is_sent_again_though_nothing_else_is(broker: Broker, pipeline: Pipeline) -> None:
    pipeline.post("q", b"1")
    broker.break_line()

    wait_until(lambda: broker.queue == [b"1"], what="the message")


def test_what_a_line_took_when_a_time_limit_struck_is_not_trusted(broker: Broker, pipeline: Pipeline) -> None:
    pipeline.post("q", b"1")
    line = broker.lines[0]

    def struck(queue: str, body: bytes) -> None:
        raise KeyboardInterrupt

    line.post = struck  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        pipeline.post("q", b"2")
    pipeline.post("q", b"2")
    pipeline.flush()

    assert line.is_broken
    assert broker.queue == [b"1", b"2"]


def test_who_is_at_it_already_is_refused(broker: Broker, pipeline: Pipeline) -> None:
    pipeline.post("q", b"1")
    line, post = broker.lines[0], broker.lines[0].post

    def interrupted(queue: str, body: bytes) -> None:  # as by a signal handler that reports, too
        line.post = post  # type: ignore[method-assign]
        with pytest.raises(BusUnavailableError, match="right now"):
            pipeline.post(queue, b"in between")
        post(queue, body)

    line.post = interrupted  # type: ignore[method-assign]
    pipeline.post("q", b"2")
    pipeline.flush()

    assert broker.queue == [b"1", b"2"]


def test_a_question_waits_for_what_was_posted(broker: Broker) -> None:
    caller = BusCaller(broker)
    caller.post("q", b"1")
    broker.confirms = False

    with pytest.raises(BusUnavailableError):
        caller.ask("q", lambda ticket, address: b"?")

    assert broker.queue == []
    broker.confirms = True
    wait_until(lambda: broker.queue == [b"1"], what="what was posted")
    caller.close()


def test_what_a_process_could_not_hand_over_before_its_end_is_told(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    caller = BusCaller(broker)
    caller.post("q", b"1")
    broker.is_down = True
    caller.flush_or_tell()

    assert "bus_messages_lost lost=1" in caplog.text
    broker.is_down = False
    wait_until(lambda: broker.queue == [b"1"], what="the message, as the process has not ended")


def test_a_process_of_a_pool_ends_when_the_broker_has_all(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    app = Celery("leaving", set_as_current=False)
    store = EventBusStore(broker)
    install(app, store=store)
    store.tell("group", "news", {"type": "said"})
    assert broker.queue == []

    monkeypatch.setattr(leaving, "current_app", app)  # as it is in a process of the app's worker
    worker_process_shutdown.send(sender=None, pid=1, exitcode=0)

    assert len(broker.queue) == 1
