"""What HTTP endpoints about jobs answer, for clients without WebSockets; a framework's own module does the rest.

The same rules as on topics: who may not watch a job is answered as if there was none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from chanx.bridge.access import Scope
from chanx.bridge.entry import LogEntry, LogPage
from chanx.bridge.installed import Bridge
from chanx.bridge.names import JOB_ID, is_job_id
from chanx.bridge.owner import owner_or_none
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.tokens import JobAction
from chanx.bridge.web.access import NO_SUCH_JOB, NO_SUCH_LIST, may, names_of
from chanx.bridge.web.job_list import listed
from chanx.bridge.web.messages import CancelPayload, JobPosition, reaches_back
from chanx.core.failures import log_failure
from chanx.core.topic import TopicRefused
from chanx.errors import JobNotFoundError
from chanx.log import log_throttled

MAX_BODY_BYTES: Final = 8192
MAX_JOBS: Final = 50
MAX_EVENTS: Final = 500

_HEADERS: Final[Mapping[str, str]] = {"Content-Type": "application/json", "Cache-Control": "no-store, private"}
_BEARER: Final = "bearer "


@dataclass(frozen=True, slots=True)
class JobsRequest:
    """A request: its scope with the ``user`` in it, its query, the headers that matter here, its body."""

    scope: Scope
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    authorization: str = ""
    if_none_match: str = ""
    body: bytes = b""

    @property
    def token(self) -> str | None:
        """The signed token of ``Authorization: Bearer``. It may be another one, of the project's own."""
        return self.authorization[len(_BEARER) :].strip() if has_bearer(self.authorization) else None


def has_bearer(authorization: str) -> bool:
    """Whether an ``Authorization`` header has a bearer token."""
    return authorization[: len(_BEARER)].lower() == _BEARER


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer; nothing of it may be kept by caches."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: dict(_HEADERS))


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message)
        self.answer = _json(status, {"error": {"code": code, "message": message}})


class _Query(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _ListQuery(_Query):
    owner: str | None = None
    before: AwareDatetime | None = None
    before_id: Annotated[str, Field(pattern=f"^({JOB_ID})?$")] = ""
    limit: Annotated[int, Field(ge=1, le=MAX_JOBS)] = MAX_JOBS


class _EventsQuery(_Query):
    after: Annotated[int, Field(ge=0)] = 0
    epoch: Annotated[str, Field(max_length=100)] | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_EVENTS)] = MAX_EVENTS


class JobsEndpoints:
    """The endpoints of one bridge. Each returns an answer, whatever a client sends."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def jobs(self, request: JobsRequest) -> Answer:
        """``GET jobs/``: the newest jobs, of the user, or of an ``owner`` that it watches as; and so on."""
        return await _answered(self._jobs(request))

    async def job(self, request: JobsRequest, job_id: str) -> Answer:
        """``GET jobs/<id>/``: the snapshot, or 304 where ``If-None-Match`` has its ``ETag``."""
        return await _answered(self._job(request, job_id))

    async def events(self, request: JobsRequest, job_id: str) -> Answer:
        """``GET jobs/<id>/events/?after=&epoch=&limit=``: a page of the log.

        With ``recovered`` false the position is not in the log: the client forgets what it had, the snapshot comes
        along, and the events are the oldest there are. ``next`` is the ``after`` of the next page.
        """
        return await _answered(self._events(request, job_id))

    async def cancel(self, request: JobsRequest, job_id: str) -> Answer:
        """``POST jobs/<id>/cancel/``, with ``{"reason": "…"}`` or nothing: the state of the job now."""
        return await _answered(self._cancel(request, job_id))

    async def _jobs(self, request: JobsRequest) -> Answer:
        query = _parsed(_ListQuery, request.query)
        owner = query.owner if query.owner is not None else owner_or_none(request.scope.get("user"))
        if owner is None:
            raise _Refused(403, "not_signed_in", "Sign in to see your jobs.")
        if owner not in await self._names(request):
            raise _Refused(404, "not_found", NO_SUCH_LIST)
        store = self._bridge.store
        found = await self._bridge.async_store.run(
            lambda: store.jobs_of(owner, limit=query.limit + 1, before=query.before, before_id=query.before_id)
        )
        page = found[: query.limit]
        return _json(
            200,
            {
                "jobs": [listed(job) for job in page if await self._may("subscribe", job, request)],
                "more": len(found) > len(page),
                "next": _in_a_url(page[-1].created_at) if page else None,
                "next_id": page[-1].job_id if page else None,
            },
        )

    async def _job(self, request: JobsRequest, job_id: str) -> Answer:
        answer = _json(200, (await self._allowed(request, job_id, "subscribe")).model_dump(mode="json"))
        tag = f'"{hashlib.sha256(answer.content).hexdigest()[:32]}"'
        headers = {**answer.headers, "ETag": tag}
        if _matches(request.if_none_match, tag):
            return Answer(304, b"", headers)
        return Answer(200, answer.content, headers)

    async def _events(self, request: JobsRequest, job_id: str) -> Answer:
        query = _parsed(_EventsQuery, request.query)
        position: JobPosition | None = JobPosition(epoch=query.epoch, after=query.after)
        job = await self._allowed(request, job_id, "subscribe")
        while True:
            recovered = position is not None and reaches_back(job, position)
            after = position.after if position is not None and recovered else job.oldest - 1
            page = await self._bridge.async_store.read(job_id, after=after, limit=query.limit)
            if page is None:
                raise _Refused(404, "not_found", NO_SUCH_JOB)
            if page.epoch == job.epoch and page.oldest <= after + 1:
                return _events_answer(page, None if recovered else job, after=after)
            # Trimmed or rewound since: the client starts over from how the job stands now.
            position, job = None, await self._allowed(request, job_id, "subscribe")

    async def _cancel(self, request: JobsRequest, job_id: str) -> Answer:
        if len(request.body) > MAX_BODY_BYTES:
            raise _Refused(413, "too_large", f"Send at most {MAX_BODY_BYTES} bytes.")
        await self._allowed(request, job_id, "cancel")
        try:
            reason = CancelPayload.model_validate_json(request.body).reason if request.body.strip() else None
        except ValidationError as error:
            hint = 'Send {"reason": "…"} as JSON, at most 500 characters, or nothing.'
            raise _Refused(400, "invalid_body", hint) from error
        try:
            state = await self._bridge.async_store.run(partial(self._bridge.cancel, job_id, reason=reason))
        except JobNotFoundError as error:
            raise _Refused(404, "not_found", NO_SUCH_JOB) from error
        return _json(200, {"state": state})

    async def _allowed(self, request: JobsRequest, job_id: str, action: JobAction) -> JobSnapshot:
        """The job. An unknown one and another's are refused in the same words."""
        if "token" in request.query:
            hint = "A token does not belong into a URL, which is logged: send it as `Authorization: Bearer <token>`."
            raise _Refused(400, "token_in_url", hint)
        job = await self._bridge.async_store.snapshot(job_id) if is_job_id(job_id) else None
        if job is None or not await self._may(action, job, request):
            raise _Refused(404, "not_found", NO_SUCH_JOB)
        return job

    async def _may(self, action: JobAction, job: JobSnapshot, request: JobsRequest) -> bool:
        names = partial(names_of, self._bridge.access, request.scope)
        try:
            return await may(action, job, request.scope, access=self._bridge.access, names=names, token=request.token)
        except TopicRefused:
            return False
        except Exception as error:
            log_failure("job_access_failed", error, job_id=job.job_id, action=action)
            return False

    async def _names(self, request: JobsRequest) -> frozenset[str]:
        try:
            return await names_of(self._bridge.access, request.scope)
        except Exception as error:
            log_failure("job_access_failed", error)
            return frozenset()


async def _answered(work: Awaitable[Answer]) -> Answer:
    try:
        return await work
    except _Refused as refused:
        return refused.answer
    except StoreUnavailableError as error:
        log_throttled("job_endpoint_waits", key="job_endpoint_waits", error=str(error))
        answer = _Refused(503, "unavailable", "Jobs cannot be shown at the moment. Try again soon.").answer
        return Answer(answer.status, answer.content, {**answer.headers, "Retry-After": "2"})


def _in_a_url(moment: datetime) -> str:
    """As snapshots have it, in UTC and without a plus sign, which is a space in a query."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _parsed(query: Any, values: Mapping[str, str]) -> Any:
    try:
        return query.model_validate(dict(values))
    except ValidationError as error:
        names = sorted({str(problem["loc"][0]) for problem in error.errors() if problem["loc"]})
        raise _Refused(400, "invalid_query", f"These parameters are not understood: {', '.join(names)}.") from error


def _events_answer(page: LogPage, snapshot: JobSnapshot | None, *, after: int) -> Answer:
    next_after = page.entries[-1].seq if page.entries else after
    head: dict[str, Any] = {
        "epoch": page.epoch,
        "seq": page.head,
        "oldest": page.oldest,
        "recovered": snapshot is None,
        "next": next_after,
        "more": next_after < page.head,
    }
    if snapshot is not None:
        head["snapshot"] = snapshot.model_dump(mode="json")
    # The events' texts are spliced, not parsed: a type that this process does not know passes through unchanged.
    events = ",".join(map(_event_text, page.entries))
    return Answer(200, f'{json.dumps(head)[:-1]},"events":[{events}]}}'.encode())


def _event_text(entry: LogEntry) -> str:
    return f'{{"seq":{entry.seq},{entry.event[1:]}'


def _matches(if_none_match: str, tag: str) -> bool:
    """By weak comparison (RFC 9110, 13.1.2)."""
    return any(each.strip().removeprefix("W/") in {tag, "*"} for each in if_none_match.split(","))


def _json(status: int, content: Any) -> Answer:
    return Answer(status, json.dumps(content).encode())
