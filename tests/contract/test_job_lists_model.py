"""Every job store gives the memory store's answers about many jobs, workers and deadlines, whatever came before."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from chanx.bridge.entry import Deadline, Execution, NewEntry
from chanx.bridge.names import new_job_id
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore, Retention
from chanx.bridge.store.memory import MemoryJobStore
from chanx.errors import TooManyJobsError
from tests.contract.conftest import KINDS, StoreMaker
from tests.contract.jobs import execution

T = TypeVar("T")

NOW = datetime.now(UTC)
NAMES = ("user:1", "user:2", "project:ü")
WORKERS = ("host:1:a", "host:2:b")
names = st.sampled_from(NAMES)
workers = st.sampled_from(WORKERS)
reasons = st.sampled_from([None, "r1", "r2"])
executions = st.builds(execution, st.sampled_from(["p1", "p2", "p3"]), run_id=st.sampled_from(["", "r1", "r2"]))
deadlines = st.builds(Deadline, st.sampled_from(["stopped", "redelivery", "enqueue", "terminate"]), executions)
places = st.integers(0, 30)
ages = st.integers(0, 2)  # many jobs of one and the same time


class Lists(RuleBasedStateMachine):
    """All of two stores, the memory store being the second."""

    def __init__(self, other: JobStore) -> None:
        super().__init__()
        self.both = (other, MemoryJobStore())
        self.jobs: list[JobRecord] = []

    @rule(
        owner=names,
        watchers=st.lists(names, max_size=2).map(tuple),
        key=st.sampled_from([None, None, "k1", "k2"]),
        max_active=st.sampled_from([None, 1, 2, 3]),
        is_told=st.booleans(),
        age=ages,
    )
    def create(
        self, owner: str, watchers: tuple[str, ...], key: str | None, max_active: int | None, is_told: bool, age: int
    ) -> None:
        job = JobRecord(
            job_id=new_job_id(),
            owner=owner,
            name="tasks.t",
            task_id="t1",
            created_at=NOW + timedelta(microseconds=age),
            idempotency_key=key,
            watchers=watchers,
        )
        first = NewEntry(job.job_id, "job_queued", "{}", "r", 1, state=JobState.QUEUED) if is_told else None

        def start(store: JobStore) -> str:
            try:
                return store.create(job, pending={"p1": "t1"}, first=first, max_active=max_active)
            except TooManyJobsError as error:
                return str(error)

        if self.same(start) == job.job_id:
            self.jobs.append(job)

    @precondition(lambda self: self.jobs)
    @rule(place=places, state=st.sampled_from([JobState.STARTED, JobState.FAILED]))
    def append(self, place: int, state: JobState) -> None:
        entry = NewEntry(self.job_at(place), "x", "{}", new_job_id(), 1, state=state)
        self.same(lambda store: replace(store.append(entry), epoch=""))

    @precondition(lambda self: self.jobs)
    @rule(place=places)
    def delete(self, place: int) -> None:
        self.same(lambda store: store.delete(self.job_at(place)))

    @precondition(lambda self: self.jobs)
    @rule(place=places, reason=reasons)
    def cancel(self, place: int, reason: str | None) -> None:
        self.same(lambda store: store.request_cancel(self.job_at(place), reason=reason))

    @rule(name=names, limit=st.integers(1, 5), age=st.none() | ages, place=st.none() | places)
    def list_jobs(self, name: str, limit: int, age: int | None, place: int | None) -> None:
        self.same_page(lambda store: partial(store.jobs_of, name), limit, age, place)

    @rule(limit=st.integers(1, 5), age=st.none() | ages, place=st.none() | places)
    def list_all_jobs(self, limit: int, age: int | None, place: int | None) -> None:
        self.same_page(lambda store: store.all_jobs, limit, age, place)

    @precondition(lambda self: self.jobs)
    @rule(name=st.none() | names, limit=st.integers(1, 4))
    def page_through(self, name: str | None, limit: int) -> None:
        for store in self.both:
            page = store.all_jobs if name is None else partial(store.jobs_of, name)
            whole, seen = page(limit=1000), list[JobSnapshot]()
            found = page(limit=limit)
            while found:
                seen += found
                before, before_id = found[-1].place
                found = page(limit=limit, before=before, before_id=before_id)
            assert [job.job_id for job in seen] == [job.job_id for job in whole]

    @rule(worker=workers)
    def renew(self, worker: str) -> None:
        def changed(store: JobStore) -> set[str]:
            before = store.leases()
            store.renew_lease(worker)
            return {name for name, number in store.leases().items() if before.get(name) != number}

        assert self.same(changed) == {worker}

    @rule(worker=workers)
    def drop(self, worker: str) -> None:
        self.same(lambda store: store.drop_lease(worker))

    @rule(worker=workers, held=st.lists(executions, max_size=3))
    def hold(self, worker: str, held: list[Execution]) -> None:
        self.same(lambda store: store.hold(worker, held))

    @rule(
        worker=workers, ids=st.lists(st.sampled_from(["p1", "p2", "p3"]), max_size=2), run=st.sampled_from([None, "r1"])
    )
    def release(self, worker: str, ids: list[str], run: str | None) -> None:
        self.same(lambda store: store.release(worker, ids, run_id=run))

    @rule(deadline=deadlines, seconds=st.sampled_from([-60, 3600]))
    def set_deadline(self, deadline: Deadline, seconds: float) -> None:
        self.same(lambda store: store.set_deadline(deadline, seconds=seconds))

    @rule(deadline=deadlines)
    def clear_deadline(self, deadline: Deadline) -> None:
        self.same(lambda store: store.clear_deadline(deadline))

    @invariant()
    def all_the_same(self) -> None:
        self.same(lambda store: set(store.leases()))
        for worker in WORKERS:
            self.same(lambda store, worker=worker: set(store.held(worker)))  # type: ignore[misc]
        self.same(lambda store: set(store.due_deadlines(limit=999)))
        ids = [job.job_id for job in self.jobs]
        self.same(lambda store: [head and replace(head, epoch="") for head in store.heads(ids)])

    def job_at(self, place: int) -> str:
        return self.jobs[place % len(self.jobs)].job_id

    def same_page(
        self,
        listing: Callable[[JobStore], Callable[..., list[JobSnapshot]]],
        limit: int,
        age: int | None,
        place: int | None,
    ) -> None:
        before = None if age is None else NOW + timedelta(microseconds=age)
        before_id = "" if place is None or not self.jobs else self.job_at(place)
        self.same(
            lambda store: [
                job.model_copy(update={"epoch": ""})
                for job in listing(store)(limit=limit, before=before, before_id=before_id)
            ]
        )

    def same(self, ask: Callable[[JobStore], T]) -> T:
        other, memory = (ask(store) for store in self.both)
        assert other == memory
        return memory

    def teardown(self) -> None:
        self.both[0].close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("store_with", KINDS[1:], indirect=True)
def test_any_history_of_many_jobs_is_the_same_in_every_store(store_with: StoreMaker) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: Lists(store_with(Retention())),
        settings=settings(
            max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
