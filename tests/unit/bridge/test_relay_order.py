"""Messages that come twice, late or out of order, to relays that are killed: the log is what was told, in order."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from chanx.bridge.relay.applying import Applying
from chanx.bridge.store.base import JobStore
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.event_bus.calls import read_call
from tests.bus_bench import BusBench
from tests.unit.bridge.relayed_job import QUEUE, create, entry, log

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 1)),
        st.tuples(st.just("relay"), st.integers(1, 3)),
        st.tuples(st.just("kill"), st.integers(0, 3)),
        st.tuples(st.just("again"), st.integers(0, 20)),
    ),
    max_size=60,
)


@given(steps=STEPS)
@settings(deadline=None, max_examples=200)
def test_the_log_is_what_the_runs_told_whatever_happens_to_the_relay(steps: list[tuple[str, int]]) -> None:
    real = MemoryJobStore()
    create(real, {"p1": "t1"})
    bench = BusBench(real)
    bench.is_relayed = False
    told = {"a": 0, "b": 0}
    put: list[bytes] = []

    for step, number in steps:
        queue = bench.bus.queues[QUEUE]
        match step:
            case "put":
                run = "ab"[number]
                told[run] += 1
                bench.store.append(entry(told[run], run))
                put.append(queue[-1])
            case "relay":
                for _ in range(min(number, len(queue))):
                    bench.relay_one(QUEUE)
            case "kill":  # after it has done some, and before it could say so
                for body in list(queue)[:number]:
                    Applying(bench.bridge).apply(read_call(body))
                bench.kill_relay()
            case _:  # an old one comes once more
                queue.extend(put[number : number + 1])
    bench.relay()

    assert [text for text in log(real) if text.startswith('"a')] == [f'"a:{n}"' for n in range(1, told["a"] + 1)]
    assert [text for text in log(real) if text.startswith('"b')] == [f'"b:{n}"' for n in range(1, told["b"] + 1)]


DISORDER = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("relay"), st.integers(1, 3), st.just(0)),
        st.tuples(st.just("swap"), st.integers(0, 5), st.integers(0, 5)),
        st.tuples(st.just("again"), st.integers(0, 20), st.integers(0, 5)),
        st.tuples(st.sampled_from(["hold", "arrive"]), st.integers(0, 5), st.integers(0, 5)),
        st.tuples(st.sampled_from(["kill", "time"]), st.integers(0, 2), st.just(0)),
    ),
    max_size=60,
)


@given(steps=DISORDER)
@settings(deadline=None, max_examples=300)
def test_the_log_is_in_order_and_tells_what_is_missing_however_messages_come(steps: list[tuple[str, int, int]]) -> None:
    real = MemoryJobStore()
    create(real, {"p1": "t1"})
    bench = BusBench(real)
    bench.is_relayed = False
    queue = bench.bus.queues[QUEUE]
    told = {"a": 0, "b": 0}
    put: list[bytes] = []
    held: list[bytes] = []

    for step, number, place in steps:
        match step:
            case "put":
                run = "ab"[number]
                told[run] += 1
                bench.store.append(entry(told[run], run, task_id="t1"))
                put.append(queue[-1])
            case "relay":
                for _ in range(number):
                    bench.relay_one(QUEUE)
            case "swap" if max(number, place) < len(queue):
                queue[number], queue[place] = queue[place], queue[number]
            case "again" if number < len(put):
                queue.insert(place, put[number])
            case "hold" if number < len(queue):
                held.append(queue[number])
                del queue[number]
            case "arrive" if number < len(held):
                queue.insert(place, held.pop(number))
            case "kill":
                bench.kill_relay()
            case "time":
                bench.now += number
            case _:
                pass
    queue.extend(held)
    while queue:
        bench.relay()
        bench.now += 1

    is_patient = not {"kill", "time"} & {step for step, *_ in steps}
    for run, count in told.items():
        written = in_log(real, run)
        numbers = [each for each in written if isinstance(each, int)]
        assert numbers == sorted(set(numbers))
        assert not is_patient or written == list(range(1, count + 1))
        for before, after in zip([0, *numbers], [*numbers, count + 1], strict=True):
            assert after == before + 1 or "gap" in between(written, before, after)


def in_log(store: JobStore, run: str) -> list[int | str]:
    """The numbers of the run's events, and "gap" for each of its gaps."""
    events = [json.loads(text) for text in log(store)]
    return [
        int(each.partition(":")[2]) if isinstance(each, str) else "gap"
        for each in events
        if (each.partition(":")[0] if isinstance(each, str) else each["run_id"]) == run
    ]


def between(written: list[int | str], before: int, after: int) -> list[int | str]:
    first = written.index(before) if before in written else 0
    last = written.index(after) if after in written else len(written)
    return written[first:last]
