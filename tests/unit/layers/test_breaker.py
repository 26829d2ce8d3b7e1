from __future__ import annotations

import pytest

from chanx.layers.breaker import CircuitBreaker


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
