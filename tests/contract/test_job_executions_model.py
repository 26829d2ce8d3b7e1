"""Every job store gives the memory store's answers to any history, and a job ends once, when nothing is pending."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chanx.bridge.entry import Appended, AppendStatus, Ending, Execution, NewEntry
from chanx.bridge.states import JobState
from chanx.bridge.store.base import MAX_RESULT_BYTES, JobStore
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.event_bus.store import EventBusStore
from tests.contract.conftest import KINDS
from tests.contract.jobs import page_of, record, snapshot_of

LARGE = "x" * (MAX_RESULT_BYTES // 2)

TASKS = ("t1", "t2", "t3")
tasks = st.sampled_from(TASKS)
FROM_THE_START = ("start", "p1", "p2")
LATER = {"p3": "t1", "p4": "t2", "p5": "t3"}
BY_WORKER = {"p4", "p5"}
from_the_start = st.sampled_from(FROM_THE_START)
published_later = st.sampled_from(sorted(LATER))
publish_ids = from_the_start | published_later
# Two runs of each task, as a redelivery makes them, and one from outside.
runs = st.sampled_from([*((f"{task_id}-{number}", task_id) for task_id in TASKS for number in (1, 2)), ("outside", "")])
nobody = st.just(("", ""))
values = st.sampled_from(["ü", "1", "LARGE"]).map(lambda text: json.dumps(text.replace("LARGE", LARGE)))
endings = st.builds(
    Ending,
    publish_id=publish_ids | st.just(""),
    outcome=st.sampled_from(["succeeded", "failed", "cancelled", "none"]),
    value=values,
)
fractions = st.none() | st.sampled_from([0.0, 0.1, 0.7, 1.0])
TEXT = '{"f":"@fraction@","d":"@done@"}'


class Stores(RuleBasedStateMachine):
    """One job in both stores, and what the test itself knows of it."""

    def __init__(self, other: JobStore) -> None:
        super().__init__()
        self.other, self.memory = other, MemoryJobStore()
        self.both = (self.other, self.memory)
        self.numbers: dict[str, int] = {}
        self.sent: list[NewEntry] = []
        self.pending: set[str] = set()
        self.claimed: set[str] = set()
        self.over: set[str] = set()
        self.ends = 0

    @initialize(kinds=st.dictionaries(tasks, st.booleans(), max_size=3), waits=st.dictionaries(from_the_start, tasks))
    def begin(self, kinds: dict[str, bool], waits: dict[str, str]) -> None:
        self.job = record()
        self.job_id = self.job.job_id
        self.worker = f"host:1:{self.job_id}"
        for store in self.both:
            assert store.create(self.job, pending=waits, tasks=kinds) == self.job_id
        self.pending = set(waits)

    @rule(publish_id=published_later)
    def publish(self, publish_id: str) -> None:
        if publish_id in self.over and isinstance(self.other, EventBusStore):
            return  # each publication has an id of its own, which is how a relay tells a call that comes once more
        task_id, worker = LATER[publish_id], self.worker if publish_id in BY_WORKER else ""
        added = {store.add_pending(self.job_id, publish_id, task_id, worker=worker) for store in self.both}
        assert added == {self.ends == 0}
        if self.ends == 0:
            self.pending.add(publish_id)

    @rule(dropped=st.lists(publish_ids, max_size=3))
    def drop(self, dropped: list[str]) -> None:
        self.over |= set(dropped)
        self.pending -= set(dropped)
        self.claimed -= set(dropped)
        complete = {store.drop_pending(self.job_id, dropped) for store in self.both}
        assert complete == {self.ends == 0 and not self.pending}

    @rule(run=runs, attempt=st.integers(1, 3), publish_id=publish_ids | st.just(""), instead_of=nobody | runs)
    def claim(self, run: tuple[str, str], attempt: int, publish_id: str, instead_of: tuple[str, str]) -> None:
        run_id, task_id = run
        begun = Execution(self.job_id, publish_id, task_id, "tasks.t", attempt, run_id) if task_id else None
        entry = self.entry(
            run, attempt, claims=bool(task_id), execution=begun, worker=self.worker, state=JobState.STARTED
        )
        answer = self.append(replace(entry, in_place_of=instead_of[0]))
        if begun and answer.status is AppendStatus.APPENDED:
            self.claimed |= {publish_id} & self.pending

    @rule(run=runs, attempt=st.integers(1, 3), fraction=fractions, latest=st.booleans())
    def report(self, run: tuple[str, str], attempt: int, fraction: float | None, latest: bool) -> None:
        self.append(self.entry(run, attempt, fraction=fraction, delivery="latest" if latest else "log"))

    @rule(
        run=runs,
        attempt=st.integers(1, 3),
        ending=endings,
        ends_job=st.booleans(),
        fraction=fractions,
        instead_of=nobody | runs,
    )
    def end(
        self,
        run: tuple[str, str],
        attempt: int,
        ending: Ending,
        ends_job: bool,
        fraction: float | None,
        instead_of: tuple[str, str],
    ) -> None:
        state = JobState.SUCCEEDED if ending.outcome == "succeeded" else JobState.FAILED
        if ending.outcome == "none":
            state = JobState.RETRYING
        entry = self.entry(run, attempt, ending=ending, fraction=fraction, state=state if ends_job else None)
        answer = self.append(replace(entry, in_place_of=instead_of[0], worker=self.worker))
        if answer.complete:
            self.close()

    @precondition(lambda self: self.sent and not self.sent[-1].only_if_complete)
    @rule(latest=st.booleans(), alone=st.booleans(), ending=st.none() | endings)
    def go_on(self, latest: bool, alone: bool, ending: Ending | None) -> None:
        """What spoke last speaks again, as most events do."""
        last = self.sent[-1]
        entry = self.entry((last.run_id, last.task_id), last.attempt, delivery="latest" if latest else "log")
        self.append(replace(entry, in_place_of="" if alone else last.in_place_of, ending=ending))

    @rule(run=runs)
    def repeat(self, run: tuple[str, str]) -> None:
        for entry in self.sent[-2:]:
            self.append(entry)

    @rule()
    def cancel(self) -> None:
        states = {store.request_cancel(self.job_id) for store in self.both}
        assert len(states) == 1

    @rule(run=runs)
    def cancel_if_queued(self, run: tuple[str, str]) -> None:
        self.append(self.entry(run, 0, state=JobState.CANCELLED, only_if_queued=True))

    @rule()
    def close(self) -> None:
        end = NewEntry(self.job_id, "x", "{}", f"{self.job_id}:end", 1, state=JobState.FAILED, only_if_complete=True)
        self.append(end)

    def entry(self, run: tuple[str, str], attempt: int, **terms: object) -> NewEntry:
        run_id, task_id = run
        self.numbers[run_id] = self.numbers.get(run_id, 0) + 1
        entry = NewEntry(self.job_id, "x", TEXT, run_id, self.numbers[run_id], attempt=attempt, task_id=task_id)
        return replace(entry, patch={f"by {run_id}": TEXT}, **terms)

    def append(self, entry: NewEntry) -> Appended:
        self.sent.append(entry)
        if entry.ending:
            self.over.add(entry.ending.publish_id)
        answers = [replace(store.append(entry), epoch="") for store in self.both]
        assert answers[0] == answers[1]
        answer = answers[0]
        taken = answer.status in (AppendStatus.APPENDED, AppendStatus.HELD)
        if taken and entry.ending:
            self.pending.discard(entry.ending.publish_id)
            self.claimed.discard(entry.ending.publish_id)
        if answer.status is AppendStatus.HELD and not self.pending:
            outcome = self.memory.outcome(self.job_id)
            assert outcome is not None
            assert outcome.unfinished == 0
        if answer.status is AppendStatus.APPENDED and entry.state and entry.state.is_terminal:
            self.ends += 1
            assert not (self.pending and (entry.ending or entry.only_if_complete))
        assert answer.complete == (self.ends == 0 and not self.pending)
        return answer

    @invariant()
    def all_the_same(self) -> None:
        assert self.ends <= 1
        outcomes = [store.outcome(self.job_id) for store in self.both]
        assert outcomes[0] == outcomes[1]
        assert len({tuple(outcome.results) for outcome in outcomes if outcome}) <= 1  # in the same order, too
        expected = set() if self.ends else self.pending
        for store in self.both:
            assert set(store.pending(self.job_id)) == expected
            unclaimed = store.unclaimed(self.job_id)
            assert set(unclaimed) == expected - self.claimed
            of_worker = {publish_id: task_id for publish_id, task_id in unclaimed.items() if publish_id in BY_WORKER}
            assert store.unclaimed(self.job_id, worker=self.worker) == of_worker
        other, memory = (snapshot_of(store, self.job_id).model_copy(update={"epoch": ""}) for store in self.both)
        assert other == memory
        pages = [page_of(store, self.job_id) for store in self.both]
        assert len({(page.entries, page.oldest, page.head) for page in pages}) == 1
        heads = [head for store in self.both for head in store.heads([self.job_id]) if head]
        assert len({replace(head, epoch="") for head in heads}) == 1
        held = [{held.publish_id: held for held in store.held(self.worker)} for store in self.both]
        assert held[0] == held[1]

    def teardown(self) -> None:
        """Whatever has been: once everything is over, the job ends, once."""
        for number, publish_id in enumerate(sorted(self.pending)):
            self.append(self.entry((f"lost-{number}", ""), 1, ending=Ending(publish_id, "failed")))
        self.close()
        self.close()
        assert self.ends == 1
        assert self.other.outcome(self.job_id) is None


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("store_with", "examples"),
    [(kind, 80 if kind == "redis" else 25) for kind in KINDS[1:]],
    indirect=["store_with"],
)
def test_any_history_is_the_same_in_every_store(store: JobStore, examples: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: Stores(store),
        settings=settings(
            max_examples=examples, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
