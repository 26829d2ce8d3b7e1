"""Starting jobs: what is stored and returned, what waits for a commit, what belongs together and what does not."""

import math
import string
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from celery import chain, chord, group, signals
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from kombu.exceptions import SerializerNotInstalled

from chanx.bridge import JobError, detach, start_job, start_job_sync
from chanx.bridge.canvas import canvas_of
from chanx.bridge.context import JobContext
from chanx.bridge.entry import Deadline
from chanx.bridge.names import list_group
from chanx.bridge.starting import JobStart
from chanx.bridge.states import JobState
from chanx.errors import ConfigurationError, InvalidNameError, TooManyJobsError
from tests.unit.bridge.apps import BridgedApp, bridged_app
from tests.unit.bridge.test_outcome import nested
from tests.waiting import wait_until

TREES = st.recursive(
    st.none(),
    lambda members: st.tuples(st.sampled_from([chain, group, chord]), st.lists(members, min_size=2, max_size=3)),
    max_leaves=8,
)


@pytest.fixture
def eager() -> Iterator[BridgedApp]:
    with bridged_app(eager=True) as app:
        yield app


@pytest.fixture
def queueing() -> Iterator[BridgedApp]:
    with bridged_app(eager=False) as app:
        yield app


@pytest.fixture
def published() -> Iterator[list[JobContext | None]]:
    """The contexts of the messages that are handed to the broker."""
    contexts: list[JobContext | None] = []

    def note(headers: Any = None, **_: Any) -> None:
        contexts.append(JobContext.from_headers(headers))

    signals.after_task_publish.connect(note, weak=False)
    yield contexts
    signals.after_task_publish.disconnect(note)


def add(self: Any, x: int = 0, y: int = 1) -> int:
    return x + y


def total(self: Any, numbers: list[int]) -> int:
    return sum(numbers)


def test_a_canvas_is_one_job(eager: BridgedApp) -> None:
    task, collect = eager.task(add, name="add"), eager.task(total, name="total")

    job = start_job_sync(chord([task.s(1, 1), task.s(2, 2)], collect.s()), owner="user:1")

    states = [event["payload"]["state"] for event in eager.events(job) if event["action"] == "job_task"]
    assert states == ["started", "succeeded"] * 3
    assert eager.actions(job)[:2] == ["job_queued", "job_started"]
    assert eager.actions(job).count("job_started") == 1
    assert eager.actions(job)[-1] == "job_succeeded"
    snapshot = eager.snapshot(job)
    assert (snapshot.fields["result"], snapshot.name) == (6, "add")


def test_the_results_of_a_group_in_order(eager: BridgedApp) -> None:
    task = eager.task(add)

    job = start_job_sync(group(task.s(n) for n in range(4)), owner="user:1")

    assert eager.snapshot(job).fields["result"] == [1, 2, 3, 4]


def test_a_canvas_fails_with_its_first_failure(eager: BridgedApp) -> None:
    def fail(self: Any) -> None:
        raise RuntimeError

    job = start_job_sync(group(eager.task(add).s(1), eager.task(fail).s()), owner="user:1")

    assert eager.snapshot(job).state is JobState.FAILED
    assert eager.snapshot(job).fields["error"]["code"] == "error"


def chord_of(first: Any, second: Any, body: Any) -> Any:
    return chord([first, second], body)


@pytest.mark.parametrize("propagates", [True, False])
@pytest.mark.parametrize("make", [chain, chord_of])
def test_a_canvas_that_celery_gives_up_on_fails_with_its_first_failure(
    eager: BridgedApp, make: Any, propagates: bool
) -> None:
    def fail(self: Any) -> None:
        raise JobError("The file is empty.", code="empty_file")

    eager.app.conf.task_eager_propagates = propagates
    with pytest.raises(JobError) if propagates else nullcontext():
        start_job_sync(make(eager.task(fail).si(), eager.task(add).si(1), eager.task(add).si(1)), owner="user:1")

    (job,) = eager.store.jobs_of("user:1")
    assert (job.state, job.fields["error"]["code"]) == (JobState.FAILED, "empty_file")


def test_a_start_that_is_broken_off_ends_the_job(queueing: BridgedApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    task = queueing.task(add)
    monkeypatch.setattr(queueing.app, "send_task", break_off)

    with pytest.raises(KeyboardInterrupt):
        start_job_sync(chain(task.si(1), task.si(1)), owner="user:1")

    (job,) = queueing.store.jobs_of("user:1")
    assert (job.state, job.fields["error"]["code"]) == (JobState.FAILED, "not_enqueued")


def test_a_signature_with_arguments_added(eager: BridgedApp) -> None:
    job = start_job_sync(eager.task(add).s(y=10), 5, owner="user:1")

    assert eager.snapshot(job).fields["result"] == 15
    assert eager.actions(job) == ["job_queued", "job_started", "job_succeeded"]


def test_a_started_canvas_waits_for_what_was_published(
    queueing: BridgedApp, published: list[JobContext | None]
) -> None:
    task = queueing.task(add)

    job = start_job_sync(group(task.s(1), chain(task.s(2), task.s())), owner="user:1", groups=["team"])

    contexts = [context for context in published if context]
    assert len(contexts) == len(published) == 2
    assert {context.job_id for context in contexts} == {job.job_id}
    assert {context.groups for context in contexts} == {("team",)}
    pending = queueing.store.pending(job.job_id)
    assert set(pending) == {context.publish_id for context in contexts}
    assert queueing.snapshot(job).state is JobState.QUEUED


def test_one_task_is_waited_for_under_the_id_it_was_stored_with(
    queueing: BridgedApp, published: list[JobContext | None]
) -> None:
    job = start_job_sync(queueing.task(add), owner="user:1")

    (context,) = published
    assert context
    assert queueing.store.pending(job.job_id) == {context.publish_id: job.task_id}


def test_a_canvas_that_cannot_be_published_has_failed(queueing: BridgedApp) -> None:
    task = queueing.task(add)

    with pytest.raises(TypeError):
        start_job_sync(group(task.s(1), task.s("x", 1, 2, 3)), owner="user:1")

    (job,) = queueing.store.jobs_of("user:1")
    assert (job.state, job.fields["error"]["code"]) == (JobState.FAILED, "not_enqueued")


def test_a_double_click_is_one_job(queueing: BridgedApp, published: list[JobContext | None]) -> None:
    task = queueing.task(add)

    first = start_job_sync(task, owner="user:1", idempotency_key="import 7")
    second = start_job_sync(task, owner="user:1", idempotency_key="import 7")
    other = start_job_sync(task, owner="user:2", idempotency_key="import 7")

    assert first == second != other
    assert len(published) == 2


def test_a_click_that_came_to_nothing_is_no_obstacle_to_the_next(
    queueing: BridgedApp, published: list[JobContext | None]
) -> None:
    # Given
    task = queueing.task(add)
    with pytest.raises(SerializerNotInstalled):
        start_job_sync(task, owner="user:1", idempotency_key="import 7", task_options={"serializer": "no such one"})

    # When
    first = start_job_sync(task, owner="user:1", idempotency_key="import 7")
    second = start_job_sync(task, owner="user:1", idempotency_key="import 7")

    # Then
    assert first == second
    assert len(published) == 1


@pytest.mark.parametrize("propagates", [True, False])
def test_an_eager_task_that_fails_is_its_job_s_end_and_no_failure_to_start_it(
    eager: BridgedApp, propagates: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: Any) -> None:
        raise JobError("The file is empty.", code="empty_file")

    eager.app.conf.task_eager_propagates = propagates
    with pytest.raises(JobError) if propagates else nullcontext():
        start_job_sync(eager.task(fail), owner="user:1")

    (job,) = eager.store.jobs_of("user:1")
    assert eager.actions(job.job_id) == ["job_queued", "job_started", "job_failed"]
    assert job.fields["error"]["code"] == "empty_file"
    assert "job_not_enqueued" not in caplog.text


@settings(deadline=None)  # it makes an app each time
@given(tree=TREES)
def test_any_canvas_is_one_job_with_one_end(tree: Any) -> None:
    with bridged_app(eager=True) as app:
        told: list[str] = []

        def step(self: Any, *results: Any, label: str) -> str:
            told.append(label)
            return label

        labels = iter(string.ascii_letters)
        task = app.task(step)

        def build(node: Any) -> Any:
            if node is None:
                return task.s(label=next(labels))
            kind, members = node
            made = [build(member) for member in members]
            return chord(made[:-1], made[-1]) if kind is chord else kind(made) if kind is group else chain(*made)

        canvas = build(tree)
        finals = [task_id for task_id, is_final in canvas_of(canvas).tasks.items() if is_final]

        job = start_job_sync(canvas, owner="user:1")

        actions = app.actions(job)
        assert [action for action in actions if action in {"job_succeeded", "job_failed"}] == actions[-1:]
        assert actions.count("job_started") == 1
        assert actions[-1] == "job_succeeded"
        result = app.snapshot(job).fields["result"]
        results = [result] if len(finals) == 1 else result
        assert len(results) == len(finals)
        assert app.events(job)[1]["attempt"] == 1
        if len(told) > 1:
            assert actions.count("job_task") == 2 * len(told)
        assert app.store.pending(job.job_id) == {}


async def test_a_task_started_within_a_job_knows_its_parent(eager: BridgedApp) -> None:
    contexts: list[JobContext | None] = []

    def inner(self: Any) -> None:
        contexts.append(JobContext.from_headers(self.request.headers))

    def outer(self: Any) -> None:
        start_job_sync(eager.task(inner), owner="user:1")

    job = await start_job(eager.task(outer), owner="user:1")

    assert contexts[0]
    assert contexts[0].parent_job == job.job_id
    assert contexts[0].job_id != job.job_id


def test_what_is_published_detached_belongs_to_no_job(queueing: BridgedApp, published: list[JobContext | None]) -> None:
    task = queueing.task(add)

    def outer(self: Any) -> None:
        task.delay()
        with detach():
            task.delay()
        task.delay()

    result = queueing.task(outer).apply(headers={"chanx": JobContext("j", "user:1", "t").to_header()})

    assert result.successful()
    assert [context and context.job_id for context in published] == ["j", None, "j"]


def test_a_task_that_retries_detached_stays_in_its_job(queueing: BridgedApp) -> None:
    published: list[dict[str, Any]] = []

    def publish(task: Any, task_id: str) -> None:
        headers = {**task.request.headers, "id": task_id}
        signals.before_task_publish.send(sender="t", headers=headers)
        signals.after_task_publish.send(sender="t", headers=headers)
        published.append(headers)

    def work(self: Any) -> None:
        with detach():
            publish(self, self.request.id)
            publish(self, "another")

    job = start_job_sync(queueing.task(add), owner="user:1")
    queueing.task(work).apply(task_id="t", headers={"chanx": JobContext(job.job_id, "user:1", "t").to_header()})

    contexts = [JobContext.from_headers(headers) for headers in published]
    assert contexts[1] is None
    assert contexts[0]
    assert contexts[0].publish_id in queueing.store.pending(job.job_id)


@pytest.mark.parametrize("mistake", [lambda: None, "shop.tasks.import_csv", None])
def test_what_is_no_task_is_named(mistake: Any) -> None:
    with pytest.raises(ConfigurationError, match="@shared_task"):
        start_job_sync(mistake, owner="user:1")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"groups": ["no such name"]}, InvalidNameError),
        ({"reply_to": 7}, ConfigurationError),
        ({"task_options": {"task_id": "mine"}}, ConfigurationError),
        ({"idempotency_key": ""}, ConfigurationError),
        ({"idempotency_key": 7}, ConfigurationError),
        ({"meta": {"file": object()}}, ConfigurationError),
        ({"meta": {"file": "a\udcff"}}, ConfigurationError),
        ({"meta": {"digits": 10**5000}}, ConfigurationError),
        ({"meta": {"deep": nested(230)}}, ConfigurationError),
        ({"meta": {"long": "x" * 65_536}}, ConfigurationError),
    ],
)
def test_options_that_cannot_be_meant_start_nothing(
    queueing: BridgedApp, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        start_job_sync(queueing.task(add), owner="user:1", **options)

    assert queueing.store.jobs_of("user:1") == []


def test_what_a_job_carries_is_json_at_once(queueing: BridgedApp) -> None:
    when = datetime(2026, 1, 1, tzinfo=UTC)

    job = start_job_sync(queueing.task(add), owner="user:1", meta={"title": "Ünits", "when": when, "mean": math.nan})

    assert queueing.snapshot(job).meta == {"title": "Ünits", "when": "2026-01-01T00:00:00Z", "mean": None}


def test_the_consumer_that_a_job_replies_to(queueing: BridgedApp, published: list[JobContext | None]) -> None:
    consumer = SimpleNamespace(channel_name="specific.abc")

    start_job_sync(queueing.task(add), owner="user:1", reply_to=consumer)

    (context,) = published
    assert context
    assert context.reply_channel == "specific.abc"


@pytest.mark.django_db(transaction=True)
class TestOnCommit:
    def test_published_once_committed(self, queueing: BridgedApp, published: list[JobContext | None]) -> None:
        with transaction.atomic():
            job = start_job_sync(queueing.task(add), owner="user:1", on_commit=True)
            assert queueing.actions(job) == ["job_queued"]
            assert published == []

        assert [context and context.job_id for context in published] == [job.job_id]
        assert queueing.snapshot(job).state is JobState.QUEUED

    def test_a_rollback_ends_the_job(self, queueing: BridgedApp, published: list[JobContext | None]) -> None:
        with transaction.atomic():
            job = start_job_sync(queueing.task(add), owner="user:1", on_commit=True)
            transaction.set_rollback(True)

        wait_until(lambda: queueing.snapshot(job).state.is_terminal, what="the end of the job")
        assert queueing.snapshot(job).fields["error"]["code"] == "not_committed"
        assert published == []

    def test_the_rollback_of_a_savepoint_too(self, queueing: BridgedApp) -> None:
        with transaction.atomic():
            with transaction.atomic():
                job = start_job_sync(queueing.task(add), owner="user:1", on_commit=True)
                transaction.set_rollback(True)
            wait_until(lambda: queueing.snapshot(job).state.is_terminal, what="the end of the job")

    def test_without_a_transaction_at_once(self, queueing: BridgedApp, published: list[JobContext | None]) -> None:
        start_job_sync(queueing.task(add), owner="user:1", on_commit=True)

        assert len(published) == 1

    def test_a_broker_that_is_away_fails_the_job_and_not_the_commit(
        self, queueing: BridgedApp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: Any, **__: Any) -> None:
            raise OSError("no broker")

        monkeypatch.setattr(queueing.app, "send_task", away)
        with transaction.atomic():
            job = start_job_sync(queueing.task(add), owner="user:1", on_commit=True)

        assert queueing.snapshot(job).fields["error"]["code"] == "not_enqueued"

    def test_where_django_cannot_do_it_the_job_has_failed(
        self, queueing: BridgedApp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: Any) -> None:
            raise transaction.TransactionManagementError

        monkeypatch.setattr(transaction, "on_commit", refuse)
        with pytest.raises(transaction.TransactionManagementError):
            start_job_sync(queueing.task(add), owner="user:1", on_commit=True)

        (job,) = queueing.store.jobs_of("user:1")
        assert job.fields["error"]["code"] == "not_enqueued"

    async def test_from_async_code(self, queueing: BridgedApp, published: list[JobContext | None]) -> None:
        job = await start_job(queueing.task(add), owner="user:1", on_commit=True)

        assert [context and context.job_id for context in published] == [job.job_id]


class TestTheWayToTheBroker:
    """A process may die anywhere on it: others then end the job, at a deadline."""

    @pytest.fixture(autouse=True)
    def due_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("chanx.bridge.start.ENQUEUE_SECONDS", 0.0)
        monkeypatch.setattr("chanx.bridge.start.COMMIT_SECONDS", 0.0)

    def test_the_job_is_stored_with_its_first_event(
        self, queueing: BridgedApp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(queueing.store, "append", None)

        job = start_job_sync(queueing.task(add), owner="user:1")

        assert queueing.actions(job) == ["job_queued"]

    def test_there_is_a_deadline_until_it_is_published(self, queueing: BridgedApp) -> None:
        # Given
        due: list[Deadline] = []

        def note(**_: Any) -> None:
            due.extend(queueing.store.due_deadlines())

        signals.before_task_publish.connect(note)

        # When
        job = start_job_sync(queueing.task(add), owner="user:1")

        # Then
        (deadline,) = due
        assert (deadline.kind, deadline.execution.job_id) == ("enqueue", job.job_id)
        assert queueing.store.pending(job.job_id) == {deadline.execution.publish_id: job.task_id}
        assert queueing.store.due_deadlines() == []

    @pytest.mark.django_db(transaction=True)
    def test_a_transaction_has_one_too(self, queueing: BridgedApp) -> None:
        with transaction.atomic():
            start_job_sync(queueing.task(add), owner="user:1", on_commit=True)
            assert len(queueing.store.due_deadlines()) == 1

        assert queueing.store.due_deadlines() == []

    def test_a_start_that_failed_or_was_none_has_none(self, queueing: BridgedApp) -> None:
        with pytest.raises(SerializerNotInstalled):
            start_job_sync(queueing.task(add), owner="user:1", task_options={"serializer": "none"})
        for _ in range(2):
            start_job_sync(queueing.task(add), owner="user:1", idempotency_key="k")

        assert queueing.store.due_deadlines() == []

    @pytest.mark.parametrize(
        "canvas", [chain, lambda *tasks: group(tasks), lambda *tasks: chord(tasks, tasks[0]), None]
    )
    def test_the_deadline_ends_a_start_that_is_never_finished(
        self, queueing: BridgedApp, monkeypatch: pytest.MonkeyPatch, canvas: Any
    ) -> None:
        # Given a process that is killed before its first message
        task = queueing.task(add)
        monkeypatch.setattr(queueing.app, "send_task", _killed)
        monkeypatch.setattr(JobStart, "_fail", _nothing)
        monkeypatch.setattr("chanx.bridge.starting.drop_pending", _nothing)
        monkeypatch.setattr("chanx.bridge.scope.drop_pending", _nothing)
        with pytest.raises(SystemExit):
            start_job_sync(canvas(task.si(), task.si()) if canvas else task, owner="user:1")
        monkeypatch.undo()

        # When
        queueing.bridge.observer.look()

        # Then
        (job,) = queueing.store.jobs_of("user:1")
        assert (job.state, job.fields["error"]["code"]) == (JobState.FAILED, "not_enqueued")


def _killed(*_: Any, **__: Any) -> None:
    raise SystemExit


def _nothing(*_: Any, **__: Any) -> None:
    """A dead process does nothing."""


def test_an_owner_has_so_many_active_jobs_at_most() -> None:
    with bridged_app(eager=False, max_active_jobs=2) as app:
        task = app.task(add)
        jobs = [start_job_sync(task, owner="user:1") for _ in range(2)]

        # When
        with pytest.raises(TooManyJobsError):
            start_job_sync(task, owner="user:1")

        # Then
        assert len(app.store.jobs_of("user:1")) == 2
        start_job_sync(task, owner="user:2")
        app.bridge.cancel(jobs[0].job_id)
        start_job_sync(task, owner="user:1")


def test_a_limit_of_none_at_all_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="max_active_jobs=0"), bridged_app(eager=False, max_active_jobs=0):
        pass


def test_watchers_have_the_job_on_their_lists_and_all_lists_are_told(queueing: BridgedApp) -> None:
    job = start_job_sync(queueing.task(add), owner="user:1", watchers=["project:7", "user:1"])

    assert queueing.snapshot(job).watchers == ("project:7", "user:1")
    told = [(name, message["state"]) for _, name, message in queueing.publisher.sent if "state" in message]
    assert told == [(list_group("user:1"), "queued"), (list_group("project:7"), "queued")]
    assert [found.job_id for found in queueing.store.jobs_of("project:7")] == [job.job_id]


def test_the_start_of_a_large_canvas_may_take_longer(queueing: BridgedApp, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    monkeypatch.setattr("chanx.bridge.starting.SLOW_TASKS", 4)
    times: list[float] = []
    monkeypatch.setattr(queueing.store, "set_deadline", lambda _, seconds: times.append(seconds))
    task = queueing.task(add)

    # When
    for size in (3, 4, 9):
        start_job_sync(group(task.si() for _ in range(size)), owner="user:1")

    # Then
    assert times == [300, 600, 900]
