"""Whom a task reaches beside those who watch its job, and from where in its code."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from celery import Task
from pydantic import BaseModel

from chanx.bridge import current_job, owner_group, start_job_sync
from chanx.bridge.states import JobState
from chanx.errors import ConfigurationError, JobCancelled
from chanx.messages.base import BaseMessage
from tests.unit.bridge.apps import BridgedApp, bridged_app

CHANNEL = "specific.0123456789abcdef0123456789abcdef!x"


class TextPayload(BaseModel):
    text: str


class Note(BaseMessage):
    action: Literal["note"] = "note"
    payload: TextPayload


NOTE = Note(payload=TextPayload(text="hello"))


def reply(self: Any) -> None:
    self.job.reply(NOTE)


def notify(self: Any) -> None:
    self.job.notify(NOTE)


@pytest.fixture
def app() -> Iterator[BridgedApp]:
    with bridged_app(eager=True) as made:
        yield made


def test_a_reply_goes_to_the_client_who_started_the_job(app: BridgedApp) -> None:
    start_job_sync(app.task(reply), owner="user:1", reply_to=CHANNEL)

    assert app.told(CHANNEL) == [NOTE.model_dump(mode="json")]


def test_a_reply_of_a_job_that_nobody_waits_for_is_dropped(app: BridgedApp) -> None:
    job = start_job_sync(app.task(reply), owner="user:1")

    assert app.snapshot(job).state is JobState.SUCCEEDED


@pytest.mark.parametrize(
    ("groups", "options", "reached"),
    [
        ((), {"user": "user:2"}, [owner_group("user:2")]),
        (("team",), {"user": "user:2"}, [owner_group("user:2")]),
        ((), {"groups": "a"}, ["a"]),
        ((), {"groups": ["a", "b", "a"], "user": "user:2"}, ["a", "b", owner_group("user:2")]),
        (("team", "all"), {}, ["team", "all"]),
        ((), {}, [owner_group("user:1")]),
    ],
)
def test_a_notice_reaches(app: BridgedApp, groups: tuple[str, ...], options: Any, reached: list[str]) -> None:
    def work(self: Any) -> None:
        self.job.notify(NOTE, **options)

    start_job_sync(app.task(work), owner="user:1", groups=groups)

    told = [(kind, name) for kind, name, message in app.publisher.sent if message["type"] == "handle_channel_event"]
    assert told == [("group", name) for name in reached]


def test_it_is_no_part_of_the_job_s_stream(app: BridgedApp) -> None:
    job = start_job_sync(app.task(notify), owner="user:1")

    assert app.actions(job) == ["job_queued", "job_started", "job_succeeded"]


def test_a_notice_to_nobody_in_particular_is_a_mistake(app: BridgedApp) -> None:
    class Anonymous:
        is_anonymous = True

    def work(self: Any) -> None:
        with pytest.raises(ConfigurationError):
            self.job.notify(NOTE, user=Anonymous())

    job = start_job_sync(app.task(work), owner="user:1")

    assert app.snapshot(job).state is JobState.SUCCEEDED


def test_the_current_job_of_code_that_a_plain_task_calls(app: BridgedApp) -> None:
    def helper() -> str:
        current_job().log("from below")
        return current_job().job_id

    def work(self: Any) -> str:
        return helper()

    job = start_job_sync(app.task(work, base=Task), owner="user:1")

    assert app.actions(job) == ["job_queued", "job_started", "job_log", "job_succeeded"]
    assert app.snapshot(job).fields["result"] == job.job_id


def test_without_a_job_everything_works_and_reaches_nobody(app: BridgedApp) -> None:
    def work(self: Any) -> str:
        for job in (self.job, current_job()):
            job.progress(1, 2)
            job.log("x")
            job.reply(NOTE)
            job.notify(NOTE, user="user:2")
            assert not job.should_abort()
        return current_job().job_id

    assert current_job().job_id == ""
    assert app.task(work).delay().get() == ""
    assert app.publisher.sent == []


def test_a_nested_eager_task_has_the_same_job(app: BridgedApp) -> None:
    def inner_work(self: Any) -> Any:
        return self.job.job_id

    inner = app.task(inner_work)

    def outer(self: Any) -> Any:
        before = current_job()
        found = inner.delay().get(disable_sync_subtasks=False)
        assert current_job() is before
        return found

    job = start_job_sync(app.task(outer, name="outer"), owner="user:1")

    assert app.snapshot(job).fields["result"] == job.job_id


def test_a_cancelled_plain_task_ends_without_harm_to_its_process(app: BridgedApp) -> None:
    cleaned: list[bool] = []

    def work(self: Any) -> None:
        app.store.request_cancel(current_job().job_id)
        try:
            current_job().log("noticed")
            current_job().progress(1)
        except JobCancelled as cancelled:
            cleaned.append(isinstance(cancelled, Exception))
            raise

    job = start_job_sync(app.task(work, base=Task), owner="user:1")

    assert app.actions(job)[-1] == "job_cancelled"
    assert cleaned == [True]
