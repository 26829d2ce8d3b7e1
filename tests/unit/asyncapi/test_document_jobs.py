"""The topics of jobs: what is really sent is as the document says, and the document is for readers of any language."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic_core import to_jsonable_python

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.bridge.events import (
    JOB_EVENTS,
    ErrorPayload,
    FailedPayload,
    JobFailed,
    JobProgress,
    JobStarted,
    JobSucceeded,
    ProgressPayload,
    SucceededPayload,
)
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.web.job_list import listed
from chanx.bridge.web.list_topic import JobListTopic
from chanx.bridge.web.messages import JobSubscribed
from chanx.bridge.web.topic import JobTopic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.routing.discovery import RouteInfo

NOW = datetime(2024, 1, 2, tzinfo=UTC)


class JobsConsumer(ChanxWebsocketConsumerMixin[Any]):
    topics = (JobTopic, JobListTopic)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return AsyncAPIGenerator([RouteInfo("/ws", None, "ws://localhost", JobsConsumer)]).generate()


def check(document: dict[str, Any], schema: str, frame: Any) -> None:
    """Fails where the frame is not as the schema of that name says."""
    Draft202012Validator({**document, "$ref": f"#/components/schemas/{schema}"}).validate(frame)


def snapshot(**fields: Any) -> JobSnapshot:
    return JobSnapshot(
        job_id="j", owner="user:1", name="tasks.work", meta={"a": 1}, created_at=NOW, state=JobState.STARTED, attempt=1,
        cancel_requested=False, epoch="e", seq=3, oldest=1, rev=2, fields=fields, task_id="t", watchers=(),
    )  # fmt: skip


ENDS: list[dict[str, Any]] = [
    {},
    JobStarted(time=NOW, payload=None).patch(),
    JobProgress(payload=ProgressPayload(current=1)).patch(),
    JobSucceeded(time=NOW, payload=SucceededPayload(result={"rows": 1})).patch(),
    JobFailed(time=NOW, payload=FailedPayload(error=ErrorPayload(message="No"))).patch(),
    {"own_latest": {"any": "thing"}},
]


class TestFrames:
    @pytest.mark.parametrize("patch", ENDS)
    def test_a_job_as_it_stands(self, document: dict[str, Any], patch: dict[str, Any]) -> None:
        job = snapshot(**to_jsonable_python(patch))
        payload = JobSubscribed(epoch="e", seq=3, recovered=True, snapshot=job).model_dump(mode="json")
        check(document, "JobSubscribedMessage", {"action": "subscribed", "payload": payload})
        check(
            document,
            "JobListSubscribedMessage",
            {"action": "subscribed", "payload": {"jobs": [listed(job)], "more": True}},
        )
        check(document, "JobChanged", {"action": "job_changed", "payload": {"job": listed(job)}})

    @pytest.mark.parametrize("field", ["task_id", "watchers", "latest"])
    def test_what_stays_on_the_server_is_not_there(self, document: dict[str, Any], field: str) -> None:
        assert field not in document["components"]["schemas"]["JobSnapshot"]["properties"]

    def test_fields_that_events_have_not_set_are_not_there(self, document: dict[str, Any]) -> None:
        fields = document["components"]["schemas"]["JobFields"]
        assert "required" not in fields
        assert not any("default" in each for each in fields["properties"].values())
        assert fields["additionalProperties"] is True

    @pytest.mark.parametrize("payload", [None, {}, {"epoch": "e", "after": 3}, {"token": "t"}])
    def test_what_a_client_subscribes_with(self, document: dict[str, Any], payload: Any) -> None:
        check(document, "JobSubscribeMessage", {"action": "subscribe", "payload": payload})
        check(document, "JobSubscribeMessage", {"action": "subscribe"})

    def test_every_event_is_an_operation(self, document: dict[str, Any]) -> None:
        operations = document["operations"]
        of_job = {key: each for key, each in operations.items() if each["channel"] == {"$ref": "#/channels/jobs_job"}}
        sent = [key for key, each in of_job.items() if each["action"] == "send"]
        assert sent == [event.model_fields["action"].default for event in JOB_EVENTS]
        received = [key for key, each in operations.items() if each["action"] == "receive"]
        assert received == ["subscribe", "ack", "cancel", "job_list_subscribe"]


class TestDescriptions:
    def test_everything_is_described(self, document: dict[str, Any]) -> None:
        for part in (*document["channels"].values(), *document["operations"].values()):
            assert part["description"]
        for name, schema in document["components"]["schemas"].items():
            assert schema.get("description"), name

    def test_for_readers_who_know_no_python(self, document: dict[str, Any]) -> None:
        text = json.dumps([*document["channels"].values(), *document["operations"].values(), document["components"]])
        for word in (":meth:", ":class:", "None", "True", "False", "subclass", "Celery", "install("):
            assert word not in text
