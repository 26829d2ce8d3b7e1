"""A worker is dead once its lease was not renewed for a whole TTL in which the store was seen to answer."""

import pytest

from chanx.bridge.lease_watch import MAX_GAP, TTL, LeaseWatch
from tests.unit.bridge.doubles import Clock


class Looks:
    """Somebody who looks at the leases of a store."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.leases: dict[str, int] = {}
        self.watch = LeaseWatch(clock=clock)

    def after(self, seconds: float) -> set[str]:
        self.clock.now += seconds
        return set(self.watch.dead(lambda: dict(self.leases)))


@pytest.fixture
def looks(clock: Clock) -> Looks:
    return Looks(clock)


def test_a_worker_that_does_not_renew_is_dead_after_the_ttl_and_until_it_is_dropped(looks: Looks) -> None:
    looks.leases = {"alive": 1, "dead": 7}
    found = [looks.after(0)]
    for _ in range(6):
        looks.leases["alive"] += 1
        found.append(looks.after(1))

    assert found == [set()] * 5 + [{"dead"}] * 2

    del looks.leases["dead"]
    assert looks.after(1) == set()


def test_a_worker_that_renews_at_last_lives(looks: Looks) -> None:
    looks.leases = {"w": 1}
    for _ in range(5):
        looks.after(0.99)

    looks.leases["w"] = 2

    assert looks.after(0.99) == set()
    assert [looks.after(1) for _ in range(5)] == [set()] * 4 + [{"w"}]


def test_time_in_which_nobody_looked_hardly_counts(looks: Looks) -> None:
    """The store may have been away meanwhile, and then nobody could renew."""
    looks.leases = {"w": 1}
    looks.after(0)

    assert looks.after(MAX_GAP + 0.1) == set()
    assert looks.after(1000 * TTL) == set()
    assert [looks.after(1) for _ in range(3)] == [set(), set(), {"w"}]


def test_who_looks_seldom_finds_a_dead_worker_too(looks: Looks) -> None:
    looks.leases = {"w": 1, "alive": 1}

    found = [looks.after(2 * MAX_GAP) for looks.leases["alive"] in range(10)]

    assert found == [set()] * 5 + [{"w"}] * 5


def test_a_store_that_did_not_answer_starts_the_count_anew(looks: Looks) -> None:
    looks.leases = {"w": 1}
    for _ in range(5):
        looks.after(1)

    looks.watch.start_anew()

    assert [looks.after(1) for _ in range(6)] == [set()] * 5 + [{"w"}]


def test_an_answer_that_takes_long_counts_from_its_end(clock: Clock) -> None:
    watch = LeaseWatch(clock=clock)

    def ask() -> dict[str, int]:
        clock.now += 2.9
        return {"w": 1}

    # The fourth question is asked 5.8 s after the first answer
    assert [bool(watch.dead(ask)) for _ in range(4)] == [False, False, False, True]
