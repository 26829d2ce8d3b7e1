"""The model of the job's log finds what could be wrong with a client."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from chanx.client_generator.base.job_channel import JobChannel
from chanx.client_generator.base.job_place import LogPlace, Meaning
from chanx.client_generator.base.job_reader import EventReader, JobReader
from tests.unit.client_generator.base.test_job_model import NAMES, sees_the_log


def leaps(self: LogPlace, event: dict[str, Any], accept: Any = LogPlace.accept) -> Meaning:
    """Takes the next event that comes for the next event."""
    seq = event.get("seq")
    if isinstance(seq, int) and seq > self.seq:
        self.seq = seq - 1
    return accept(self, event)  # type: ignore[no-any-return]


def hears_twice(self: JobReader, event: dict[str, Any]) -> None:
    """Takes what it has already."""
    self.seq = event["seq"]
    self.ended = event["action"] == "job_succeeded"
    self.event(event)


def never_resets(self: EventReader, snapshot: dict[str, Any]) -> None:
    """Goes on in another log as if it were the one that it had."""


def never_acknowledges(self: JobChannel, seq: int) -> None:
    """Waits for more than 500 events."""


def many_runs() -> None:
    for seed in range(30):
        random = Random(seed)
        steps = [(random.choice(NAMES), random.randrange(90)) for _ in range(50)]
        sees_the_log(random.choice([0.0, 0.05]), seed, steps, random.randrange(1200))


@pytest.mark.parametrize(
    ("owner", "name", "fault"),
    [
        (LogPlace, "accept", leaps),
        (JobReader, "offer", hears_twice),
        (EventReader, "reset", never_resets),
        (JobChannel, "took", never_acknowledges),
    ],
)
def test_a_fault_is_found(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, fault: Any) -> None:
    monkeypatch.setattr(owner, name, fault)

    with pytest.raises(AssertionError):
        many_runs()
