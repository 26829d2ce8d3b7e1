"""Following a job: what its updates have together is its log, whatever happens meanwhile."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.bridge.entry import Delivery, Head, NewEntry
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store.base import Retention, StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.cli import job_following
from chanx.cli.job_following import Update, follow
from chanx.cli.patience import PATIENCE, Patience
from chanx.errors import JobNotFoundError
from tests.unit.cli.jobs_by_hand import NOW, Project

TOLD = "away. Waiting for it.\nThe job store is back.\n"


class Store(MemoryJobStore):
    """Can be away."""

    is_away = False

    def go(self) -> None:
        self.is_away = True

    def come_back(self) -> None:
        self.is_away = False

    def heads(self, job_ids: Sequence[str]) -> list[Head | None]:
        if self.is_away:
            raise StoreUnavailableError("away")
        return super().heads(job_ids)

    def snapshot(self, job_id: str) -> JobSnapshot | None:
        if self.is_away:
            raise StoreUnavailableError("away")
        return super().snapshot(job_id)


class Job:
    """Appends events ``{"n": 1}``, ``{"n": 2}``, …, and does one of its ``steps`` at each wait."""

    def __init__(self, *steps: Callable[[], object], retention: Retention | None = None) -> None:
        self.store = Store(retention)
        self.bridge = Project(self.store).bridge
        self.store.create(JobRecord(job_id="j", owner="user:1", name="n", task_id="t", created_at=NOW))
        self.steps = list(steps)
        self.n = 0
        self.now = 0.0
        self.patience = Patience(wait=self.wait, clock=lambda: self.now)

    def append(self, count: int = 1, *, state: JobState | None = None, delivery: Delivery = "log") -> None:
        for _ in range(count):
            self.n += 1
            entry = NewEntry("j", "x", f'{{"n":{self.n}}}', "r", self.n, state=state, delivery=delivery)
            self.store.append(entry)

    def append_all(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            self.append(delivery=delivery)

    def end(self) -> None:
        self.append(state=JobState.SUCCEEDED)

    def wait(self, seconds: float) -> None:
        assert self.steps, "the updates did not end"
        self.now += seconds
        self.steps.pop(0)()

    def follow(self, tail: int | None = None) -> list[Update]:
        return list(follow(self.bridge, "j", patience=self.patience, tail=tail))


def seqs(updates: list[Update]) -> list[int]:
    return [entry.seq for entry in chain.from_iterable(update.events for update in updates)]


@given(st.lists(st.lists(st.sampled_from(["log", "latest"]), max_size=5), max_size=5), st.integers(1, 3))
def test_each_event_comes_once_and_in_order(rounds: list[list[Delivery]], page: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job_following, "PAGE", page)
        job = Job()
        job.steps = [*(partial(job.append_all, each) for each in rounds), job.end]

        updates = job.follow()

    assert seqs(updates) == list(range(1, sum(each.count("log") for each in rounds) + 2))
    assert [update.is_last for update in updates] == [False] * (len(updates) - 1) + [True]
    assert updates[-1].job.state is JobState.SUCCEEDED
    assert not any(update.notes for update in updates)


def test_nothing_new_is_no_update() -> None:
    job = Job(lambda: None, lambda: None)
    job.steps.append(job.end)

    assert [len(update.events) for update in job.follow()] == [0, 1]


def test_only_the_newest() -> None:
    job = Job()
    job.append(9)
    job.steps = [lambda: job.append(2), job.end]

    assert seqs(job.follow(tail=3)) == [7, 8, 9, 10, 11, 12]


@pytest.mark.parametrize("tail", [0, 100])
def test_a_job_that_has_ended_is_one_update(tail: int) -> None:
    job = Job()
    job.append(3)
    job.end()

    (update,) = job.follow(tail=tail)

    assert update.is_last
    assert [entry.seq for entry in update.events] == [1, 2, 3, 4][:tail]


def test_what_is_no_longer_kept_is_said() -> None:
    job = Job(retention=Retention(max_entries=10))
    job.append(25)
    job.steps = [lambda: job.append(25), job.end]

    updates = job.follow()

    assert [update.notes for update in updates] == [
        ("15 older events are no longer kept",),
        ("15 older events are no longer kept",),
        (),
    ]
    assert seqs(updates) == [*range(16, 26), *range(41, 52)]


def test_a_log_that_was_rewound_comes_anew() -> None:
    job = Job()
    job.append(5)
    job.steps = [lambda: job.store.rewind("j", to_seq=2), job.end]

    updates = job.follow(tail=1)

    assert seqs(updates) == [5, 1, 2, 3]
    assert updates[1].notes == ("the store may have lost events: the log from its beginning",)


def test_a_store_that_comes_back_is_read_on(capsys: pytest.CaptureFixture[str]) -> None:
    job = Job()

    def go() -> None:
        job.append()
        job.store.go()

    # Later it is waited for longer than at first.
    job.steps = [go, *[lambda: None] * 100, job.store.come_back, job.end]

    assert seqs(job.follow()) == [1, 2]
    assert capsys.readouterr().err == TOLD


def test_a_store_that_is_back_is_told_of_though_nothing_is_new(capsys: pytest.CaptureFixture[str]) -> None:
    job, told = Job(), list[str]()
    job.steps = [job.store.go, job.store.come_back, lambda: told.append(capsys.readouterr().err), job.end]

    job.follow()

    assert told == [TOLD]


def test_a_store_that_is_soon_there(capsys: pytest.CaptureFixture[str]) -> None:
    job = Job()
    job.end()
    job.store.go()
    job.steps = [lambda: None, job.store.come_back]

    assert seqs(job.follow()) == [1]
    assert capsys.readouterr().err == TOLD


def test_a_store_that_stays_away_from_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    job = Job()
    job.store.go()
    job.steps = [lambda: None] * 100
    with pytest.raises(StoreUnavailableError):
        job.follow()
    assert job.now == PATIENCE
    assert capsys.readouterr().err == "away. Waiting for it.\n"


@pytest.mark.parametrize("job_id", ["nothing", "no job id!", ""])
def test_there_is_no_such_job(job_id: str) -> None:
    job = Job()
    with pytest.raises(JobNotFoundError):
        list(follow(job.bridge, job_id, patience=job.patience))


def test_a_job_that_is_deleted_meanwhile() -> None:
    job = Job()
    job.steps = [lambda: job.store._jobs.clear()]
    with pytest.raises(JobNotFoundError):
        job.follow()
