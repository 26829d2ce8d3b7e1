from __future__ import annotations

import logging

import pytest
from billiard.exceptions import SoftTimeLimitExceeded

from chanx.layers import MemoryPublisher, PublishFailure

MESSAGE = {"type": "note", "n": 1}


@pytest.fixture
def down() -> MemoryPublisher:
    publisher = MemoryPublisher()
    publisher.down = True
    return publisher


def test_a_hook_learns_what_was_lost_and_why(down: MemoryPublisher) -> None:
    # Given a hook, as a decorator
    lost: list[PublishFailure] = []

    @down.on_failure
    def keep(failure: PublishFailure) -> None:
        lost.append(failure)

    # When messages are lost, one by one and in a batch
    down.group_send("room", MESSAGE)
    with down.batch():
        down.send("specific.a!b", MESSAGE)
        down.group_send("room", MESSAGE)

    # Then it is told of each
    assert [(f.kind, f.name, dict(f.message), f.over_capacity) for f in lost] == [
        ("group", "room", MESSAGE, 0),
        ("channel", "specific.a!b", MESSAGE, 0),
        ("group", "room", MESSAGE, 0),
    ]
    assert lost[0].reason == "The test took this layer down."
    assert callable(keep)


def test_each_publisher_has_a_log_line_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    # Given publishers that come and go, and so may have the place in memory of one before
    with caplog.at_level(logging.WARNING, logger="chanx"):
        for _ in range(20):
            publisher = MemoryPublisher()
            publisher.down = True
            publisher.group_send("room", MESSAGE)
            del publisher
    assert [r.event for r in caplog.records] == ["publish_failed"] * 20


def test_a_hook_that_raises_harms_neither_the_task_nor_other_hooks(
    down: MemoryPublisher, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a broken hook and a good one
    lost: list[PublishFailure] = []

    def broken(failure: PublishFailure) -> None:
        raise ValueError("a mistake of the hook")

    down.on_failure(broken)
    down.on_failure(lost.append)

    # When messages are lost, Then nothing is raised, and one line tells of the hook
    with caplog.at_level(logging.WARNING, logger="chanx"):
        down.group_send("room", MESSAGE)
        down.group_send("room", MESSAGE)
    assert len(lost) == down.failures == 2
    assert [r.event for r in caplog.records] == ["publish_failed", "publish_failure_hook_failed"]
    assert "a mistake of the hook" in caplog.text


def test_a_time_limit_that_strikes_in_a_hook_is_the_tasks(down: MemoryPublisher) -> None:
    @down.on_failure
    def slow(failure: PublishFailure) -> None:
        raise SoftTimeLimitExceeded

    with pytest.raises(SoftTimeLimitExceeded):
        down.group_send("room", MESSAGE)
    with pytest.raises(SoftTimeLimitExceeded):
        down.group_send("room", MESSAGE)


def test_a_hook_that_publishes_too_is_not_called_for_that(down: MemoryPublisher) -> None:
    calls: list[PublishFailure] = []

    @down.on_failure
    def tell_operators(failure: PublishFailure) -> None:
        calls.append(failure)
        down.group_send("operators", {"type": "note"})

    down.group_send("room", MESSAGE)
    down.group_send("room", MESSAGE)
    assert [failure.name for failure in calls] == ["room", "room"]
    assert down.failures == 4


def test_without_trouble_nothing_is_counted() -> None:
    publisher = MemoryPublisher()
    lost: list[PublishFailure] = []
    publisher.on_failure(lost.append)
    publisher.group_send("room", MESSAGE)
    assert (publisher.failures, publisher.over_capacity, lost) == (0, 0, [])
