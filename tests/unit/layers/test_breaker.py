from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.layers.breaker import PATIENCE, PAUSE, CircuitBreaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(rest=1.0, clock=clock)


def test_it_lets_everybody_through_while_all_is_well(breaker: CircuitBreaker) -> None:
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_it_rests_after_a_failure_and_then_lets_one_try(breaker: CircuitBreaker, clock: Clock) -> None:
    # Given a failure
    breaker.failed()

    # When the rest is not over, Then nobody may try
    clock.now += 0.99
    assert not breaker.allows()

    # When it is over, Then one may, and the others wait for how it goes
    clock.now += 0.01
    assert [breaker.allows() for _ in range(3)] == [True, False, False]


def test_a_try_that_fails_begins_a_new_rest(breaker: CircuitBreaker, clock: Clock) -> None:
    breaker.failed()
    clock.now += 1.5
    assert breaker.allows()
    breaker.failed()
    clock.now += 0.9
    assert not breaker.allows()
    clock.now += 0.1
    assert breaker.allows()


def test_a_try_that_succeeds_opens_the_way_for_all(breaker: CircuitBreaker, clock: Clock) -> None:
    breaker.failed()
    clock.now += 1.0
    assert breaker.allows()
    breaker.succeeded()
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_a_try_that_never_ends_does_not_close_the_way_for_ever(breaker: CircuitBreaker, clock: Clock) -> None:
    # Given a caller who was allowed and was killed by a time limit before it could say how it went
    breaker.failed()
    clock.now += 1.0
    assert breaker.allows()

    # When a rest has passed, Then the next may try
    clock.now += 1.0
    assert breaker.allows()


# A try: how long after the one before it begins, how long it takes, and how it ends.
TRIES = st.lists(
    st.tuples(
        st.floats(0, 10),
        st.sampled_from([0.001, 0.25, 0.5]),
        st.sampled_from(["succeeded", "timed_out", "failed"]),
    ),
    max_size=30,
)


def test_a_busy_moment_is_no_outage(breaker: CircuitBreaker, clock: Clock) -> None:
    # Given twenty threads whose tries time out within a moment
    for _ in range(20):
        breaker.timed_out()
        clock.now += 0.02

    # When another one tries, Then it may, and if that works all is forgotten
    assert breaker.allows()
    breaker.succeeded()
    clock.now += 0.3
    breaker.timed_out()
    assert breaker.allows()


def test_who_answers_nobody_for_a_while_is_left_alone(breaker: CircuitBreaker, clock: Clock) -> None:
    # Given tries that time out, one after the other
    tried = 0
    while breaker.allows():
        clock.now += 0.25
        breaker.timed_out()
        tried += 1

    # Then it was a few, and after the rest a single one begins the next rest
    assert tried == 3
    clock.now += 1.0
    assert breaker.allows()
    breaker.timed_out()
    assert not breaker.allows()


def test_timeouts_that_are_far_apart_are_no_row(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(5):
        breaker.timed_out()
        assert breaker.allows()
        clock.now += 60


@given(TRIES)
def test_it_opens_for_a_refusal_and_for_half_a_second_of_timeouts_only(tries: list[tuple[float, float, str]]) -> None:
    clock = Clock()
    breaker, ends = CircuitBreaker(rest=1.0, clock=clock), list[tuple[float, str]]()
    for pause, taken, how in tries:
        clock.now += pause
        if not breaker.allows():
            assert _is_outage(ends)
            assert clock.now - ends[-1][0] < 1.0
            continue
        clock.now += taken
        getattr(breaker, how)()
        ends.append((clock.now, how))
        assert breaker.is_open == _is_outage(ends)


def _since_success(ends: list[tuple[float, str]]) -> list[tuple[float, str]]:
    successes = [n for n, (_, how) in enumerate(ends) if how == "succeeded"]
    return ends[successes[-1] + 1 :] if successes else ends


def _lasted(ends: list[tuple[float, str]]) -> float:
    """Seconds of the timeouts in a row at the end, between which there was neither a success nor a pause."""
    row: list[float] = []
    for at, how in _since_success(ends):
        if how == "timed_out":
            row = [*row, at] if row and at - row[-1] <= PAUSE else [at]
    return row[-1] - row[0] if row else 0.0


def _is_outage(ends: list[tuple[float, str]]) -> bool:
    """Whether anything since the last success was a refusal, or the end of a row of timeouts that lasted."""
    since = _since_success(ends)
    return any(how == "failed" or _lasted(since[: n + 1]) >= PATIENCE for n, (_, how) in enumerate(since))
