"""The HTTP endpoints about jobs, the same on Django and on FastAPI."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest
from asgiref.testing import ApplicationCommunicator
from celery import Celery
from django.core.handlers.asgi import ASGIHandler
from django.test import Client
from django.urls import include, path
from fastapi import FastAPI, Request

from chanx.bridge import Bridge
from chanx.bridge.access import Access
from chanx.bridge.events import JobEvent, JobLogLine, JobStarted, JobSucceeded, LogPayload, SucceededPayload
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.base import Retention, StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.bridge.web.http import MAX_BODY_BYTES
from chanx.fast_channels.jobs import jobs_router, static_files
from chanx.layers import MemoryPublisher

NOT_FOUND = {"error": {"code": "not_found", "message": "There is no such job, or it is not yours."}}
START = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "a secret of the tests"


class Jobs:
    """A bridge with a memory store, on each framework: requests come as a user by the header ``X-User``."""

    def __init__(self) -> None:
        self.store = MemoryJobStore(Retention(max_entries=5))
        self.app = Celery("http", broker="memory://", set_as_current=False)
        self.use(Access(secrets=(SECRET,)))

    def use(self, access: Access) -> None:
        self.bridge = Bridge(self.app, self.store, DirectTransport(self.store, MemoryPublisher()), access=access)

    def start(self, job_id: str = "j", owner: str = "user:1", *, age: int = 0, **record: Any) -> None:
        created_at = START - timedelta(seconds=age)
        self.store.create(JobRecord(job_id=job_id, owner=owner, name="n", task_id="t", created_at=created_at, **record))

    def report(self, *events: JobEvent, job_id: str = "j") -> None:
        reporter = JobReporter(self.bridge.transport, job_id=job_id, task_id="t", attempt=1)
        for event in events:
            reporter.send(event)

    def log(self, *texts: str) -> None:
        self.report(*(JobLogLine(payload=LogPayload(message=text)) for text in texts))


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Ask = Callable[..., Answered]


def user_of(name: str | None) -> Any:
    return SimpleNamespace(pk=name, is_authenticated=True) if name else None


def with_user(get_response: Any) -> Any:
    """A middleware of a project that signs in by a header."""

    def middleware(request: Any) -> Any:
        request.user = user_of(request.headers.get("X-User"))
        return get_response(request)

    return middleware


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    jobs.app.close()


@pytest.fixture
def django(jobs: Jobs, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    urls: Any = ModuleType("urls")
    urls.urlpatterns = [path("jobs/", include("chanx.channels.jobs"))]
    settings.ROOT_URLCONF = urls
    settings.ALLOWED_HOSTS = ["*"]
    settings.MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware", f"{__name__}.with_user"]
    monkeypatch.setattr("chanx.channels.jobs.bridge_of", lambda app: jobs.bridge)
    return settings


@pytest.fixture
def fastapi(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    def current_user(request: Request) -> Any:
        return user_of(request.headers.get("X-User"))

    monkeypatch.setattr("chanx.fast_channels.jobs.bridge_of", lambda app: jobs.bridge)
    app = FastAPI()
    app.include_router(jobs_router(user=current_user), prefix="/jobs")
    app.mount("/chanx", static_files())
    return app


def ask_django(method: str, url: str, *, headers: dict[str, str], body: bytes) -> Answered:
    request = getattr(Client(), method)
    more = {"data": body, "content_type": "application/json"} if method == "post" else {}
    answer = request(url, headers=headers, **more)
    return Answered(answer.status_code, {name.lower(): value for name, value in answer.items()}, answer.content)


@pytest.fixture(params=["django", "fastapi"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Sends a request and returns the answer: ``ask("j/", user="1")``."""
    site: Any = request.getfixturevalue(request.param)

    def ask(
        url: str = "", *, user: str = "", method: str = "get", headers: Any = None, body: bytes = b"", token: str = ""
    ) -> Answered:
        sent = {"X-User": user, **(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        if request.param == "django":
            return ask_django(method, f"/jobs/{url}", headers=sent, body=body)
        return ask_fastapi(site, method, f"/jobs/{url}", headers=sent, body=body)

    return ask


def ask_fastapi(app: FastAPI, method: str, url: str, *, headers: dict[str, str], body: bytes) -> Answered:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            sent = {"Content-Type": "application/json", **headers} if method == "post" else headers
            return await client.request(method, url, headers=sent, content=body)

    answer = asyncio.run(send())
    return Answered(answer.status_code, dict(answer.headers), answer.content)


def test_a_job_as_it_stands(jobs: Jobs, ask: Ask) -> None:
    # Given a job that has started
    jobs.start()
    jobs.report(JobStarted())

    # When its owner asks
    answer = ask("j/", user="1")

    # Then there is its snapshot, for nobody's cache
    assert (answer.status, answer.json["state"], answer.json["seq"]) == (200, "started", 1)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store, private"
    assert "task_id" not in answer.json

    # And it comes again only where it has changed
    tag = answer.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        same = ask("j/", user="1", headers={"If-None-Match": known})
        assert (same.status, same.body, same.headers["etag"]) == (304, b"", tag)
    jobs.log("more")
    assert ask("j/", user="1", headers={"If-None-Match": tag}).status == 200


@pytest.mark.parametrize("url", ["{}/", "{}/events/", "{}/cancel/"])
def test_another_users_job_and_no_job_look_the_same(jobs: Jobs, ask: Ask, url: str) -> None:
    jobs.start()
    method = "post" if "cancel" in url else "get"

    forbidden = [ask(url.format("j"), user=user, method=method) for user in ("2", "")]
    unknown = [ask(url.format(job_id), user="1", method=method) for job_id in ("unknown", "a b", "x" * 500, "%00")]

    for answer in forbidden + unknown:
        assert (answer.status, answer.json) == (404, NOT_FOUND)
        assert answer.headers["cache-control"] == "no-store, private"
        assert answer.headers.keys() == forbidden[0].headers.keys()


def test_the_list_of_a_user(jobs: Jobs, ask: Ask) -> None:
    # Given more jobs than a page, some of the same time, and another user's
    for number in range(60):
        jobs.start(f"j{99 - number}", age=number // 7)
    jobs.start("other", "user:2")

    # When the user asks for them
    first = ask(user="1").json
    second = ask(f"?before={first['next']}&before_id={first['next_id']}", user="1").json

    # Then they come newest first, in pages
    assert [job["job_id"] for job in [*first["jobs"], *second["jobs"]]] == [f"j{99 - number}" for number in range(60)]
    assert (first["more"], second["more"]) == (True, False)
    assert ask("?limit=2", user="1").json["more"] is True
    assert ask("?owner=user:2", user="1").status == ask("?owner=whatever", user="1").status == 404
    assert (ask().status, ask().json["error"]["code"]) == (403, "not_signed_in")


def test_a_list_shows_what_may_be_watched(jobs: Jobs, ask: Ask) -> None:
    jobs.use(Access(authorize=lambda job, scope: job.job_id != "secret", watches_as=lambda scope: ["project:7"]))
    jobs.start("secret", watchers=("project:7",))
    jobs.start("open", "user:2", watchers=("project:7",))
    assert [job["job_id"] for job in ask("?owner=project:7", user="1").json["jobs"]] == ["open"]
    assert ask("?owner=project:7").status == 200  # by the project's function, which asks nobody to sign in


def test_a_page_of_the_log(jobs: Jobs, ask: Ask) -> None:
    jobs.start()
    jobs.log("1", "2", "3", "4")

    first = ask("j/events/?limit=3", user="1").json
    second = ask(f"j/events/?after={first['next']}&epoch={first['epoch']}", user="1").json

    texts = [(event["seq"], event["payload"]["message"]) for event in [*first["events"], *second["events"]]]
    assert texts == [(1, "1"), (2, "2"), (3, "3"), (4, "4")]
    assert (first["recovered"], first["more"], first["seq"]) == (True, True, 4)
    assert (second["recovered"], second["more"], second["next"]) == (True, False, 4)
    assert "snapshot" not in first
    at_the_end = ask(f"j/events/?after=4&epoch={first['epoch']}", user="1").json
    assert (at_the_end["events"], at_the_end["next"], at_the_end["more"]) == ([], 4, False)


@pytest.mark.parametrize("position", ["after=1&epoch=another", "after=1", "after=100&epoch={}", "after=1&epoch={}"])
def test_a_position_that_the_log_does_not_reach_starts_over(jobs: Jobs, ask: Ask, position: str) -> None:
    # Given a log that was trimmed to five
    jobs.start()
    jobs.log(*map(str, range(1, 10)))
    epoch = ask("j/events/", user="1").json["epoch"]

    # Then the oldest there is comes with the snapshot
    page = ask(f"j/events/?{position.format(epoch)}", user="1").json
    assert (page["recovered"], page["snapshot"]["seq"], page["oldest"]) == (False, 9, 5)
    assert [event["seq"] for event in page["events"]] == [5, 6, 7, 8, 9]


def test_cancelling(jobs: Jobs, ask: Ask) -> None:
    jobs.start()
    answer = ask("j/cancel/", user="1", method="post", body=b'{"reason": "wrong file"}')
    assert (answer.status, answer.json) == (200, {"state": "cancelled"})
    snapshot = jobs.store.snapshot("j")
    assert snapshot is not None
    assert snapshot.cancel_reason == "wrong file"
    assert ask("j/cancel/", user="1", method="post").json == {"state": "cancelled"}
    assert ask("j/cancel/", user="1").status == 405


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"reason": 5}', 400),
        (json.dumps({"reason": "x" * 501}).encode(), 400),
        (b"[" * MAX_BODY_BYTES, 400),
        (b"\xff", 400),
        (b" " * (MAX_BODY_BYTES + 1), 413),
        (b"x" * 5_000_000, 413),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_cancellation_that_is_not_understood_cancels_nothing(jobs: Jobs, ask: Ask, body: bytes, status: int) -> None:
    jobs.start()
    answer = ask("j/cancel/", user="1", method="post", body=body)
    assert answer.status == status
    assert answer.json["error"]["message"]
    assert not jobs.store.is_cancelled("j")


def test_a_token_allows_what_it_says(jobs: Jobs, ask: Ask) -> None:
    jobs.start()
    jobs.start("other")
    watching, all_of_it = jobs.bridge.token("j"), jobs.bridge.token("j", actions=("subscribe", "cancel"))

    assert ask("j/", token=watching).status == ask("j/events/", token=watching).status == 200
    assert ask("other/", token=watching).status == 404
    assert ask("j/cancel/", method="post", token=watching).status == 404
    assert ask("j/cancel/", method="post", token=all_of_it).status == 200
    assert ask("j/", headers={"Authorization": f"Basic {watching}"}).status == 404
    assert ask("j/", token="x" * 5000).status == 404
    assert ask("j/", user="1", token="the project's own").status == 200


def test_a_token_in_a_url_is_refused(jobs: Jobs, ask: Ask) -> None:
    jobs.start()
    answer = ask(f"j/?token={jobs.bridge.token('j')}", user="1")
    assert (answer.status, answer.json["error"]["code"]) == (400, "token_in_url")
    assert "Authorization: Bearer" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("?limit=0", "limit"),
        ("?limit=x", "limit"),
        ("?before=2026-01-01", "before"),
        ("j/events/?after=-1", "after"),
        ("j/events/?after=" + "9" * 5000, "after"),
        ("j/events/?limit=501&epoch=" + "e" * 101, "epoch, limit"),
    ],
)
def test_a_query_that_is_not_understood(jobs: Jobs, ask: Ask, url: str, named: str) -> None:
    jobs.start()
    answer = ask(url, user="1")
    message = f"These parameters are not understood: {named}."
    assert (answer.status, answer.json) == (400, {"error": {"code": "invalid_query", "message": message}})


def test_a_function_that_fails_opens_nothing(jobs: Jobs, ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("nobody thought of this")

    jobs.start()
    jobs.use(Access(authorize=broken))
    assert (ask("j/", user="1").status, ask("j/", user="1").json) == (404, NOT_FOUND)
    jobs.use(Access(watches_as=broken))
    assert ask("j/", user="2").json == NOT_FOUND
    assert ask(user="1").status == 404
    assert "job_access_failed" in caplog.text


def test_a_store_that_is_away(jobs: Jobs, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise StoreUnavailableError("redis://secret-host is away")

    monkeypatch.setattr(jobs.store, "snapshot", away)
    answer = ask("j/", user="1")
    assert (answer.status, answer.json["error"]["code"], answer.headers["retry-after"]) == (503, "unavailable", "2")
    assert b"secret-host" not in answer.body


def test_the_end_of_a_job_is_in_its_snapshot(jobs: Jobs, ask: Ask) -> None:
    jobs.start()
    jobs.report(JobSucceeded(payload=SucceededPayload(result={"rows": 3})))
    assert ask("j/", user="1").json["fields"]["result"] == {"rows": 3}


class TestDjango:
    def test_cancelling_is_protected_against_forged_requests(self, jobs: Jobs, django: Any) -> None:
        jobs.start()
        forged = Client(enforce_csrf_checks=True).post("/jobs/j/cancel/", headers={"X-User": "1"})
        assert forged.status_code == 403
        assert not jobs.store.is_cancelled("j")

        client = Client(enforce_csrf_checks=True)
        client.cookies["csrftoken"] = "a" * 32
        form = {"reason": "from a form", "csrfmiddlewaretoken": "a" * 32}
        assert client.post("/jobs/j/cancel/", form, headers={"X-User": "1"}).json() == {"state": "cancelled"}
        snapshot = jobs.store.snapshot("j")
        assert snapshot is not None
        assert snapshot.cancel_reason == "from a form"

    def test_a_bearer_of_a_token_cancels_without_a_cookie(self, jobs: Jobs, django: Any) -> None:
        jobs.start()
        token = jobs.bridge.token("j", actions=("cancel",))
        client = Client(enforce_csrf_checks=True)
        assert client.post("/jobs/j/cancel/", headers={"Authorization": f"Basic {token}"}).status_code == 403
        assert not jobs.store.is_cancelled("j")
        assert client.post("/jobs/j/cancel/", headers={"Authorization": f"Bearer {token}"}).status_code == 200
        assert jobs.store.is_cancelled("j")

    async def test_under_asgi(self, jobs: Jobs, django: Any) -> None:
        # Given a function of the project that is called where the request's database work is done
        scopes: list[Any] = []
        jobs.use(Access(authorize=lambda job, scope: scopes.append(scope) is None))
        jobs.start()

        # When the request comes over ASGI
        scope = {"type": "http", "method": "GET", "path": "/jobs/j/", "headers": [(b"x-user", b"1")]}
        server = ApplicationCommunicator(ASGIHandler(), {**scope, "query_string": b""})
        await server.send_input({"type": "http.request", "body": b""})

        # Then it is answered, and the function has seen the request's scope and user
        assert (await server.receive_output(5))["status"] == 200
        assert json.loads((await server.receive_output(5))["body"])["job_id"] == "j"
        await server.wait(30)
        assert (scopes[0]["path"], scopes[0]["user"].pk) == ("/jobs/j/", "1")


class TestFastAPI:
    def test_a_form_of_another_site_cancels_nothing(self, jobs: Jobs, fastapi: FastAPI) -> None:
        jobs.start()
        headers = {"X-User": "1", "Content-Type": "text/plain"}
        answer = ask_fastapi(fastapi, "post", "/jobs/j/cancel/", headers=headers, body=b"{}")
        assert (answer.status, answer.json["error"]["code"]) == (415, "unsupported_media_type")
        assert not jobs.store.is_cancelled("j")

    def test_the_user_is_the_scopes_by_default(self, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
        jobs.start()
        router = FastAPI()
        router.include_router(jobs_router(jobs.bridge))

        async def signed_in(scope: Any, receive: Any, send: Any) -> None:
            await router({**scope, "user": user_of("1")}, receive, send)

        application: Any = signed_in
        assert ask_fastapi(application, "get", "/j/", headers={}, body=b"").status == 200
        assert ask_fastapi(router, "get", "/j/", headers={}, body=b"").status == 404

    def test_the_browsers_side_is_served(self, fastapi: FastAPI) -> None:
        answer = ask_fastapi(fastapi, "get", "/chanx/chanx.js", headers={}, body=b"")
        assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, "text/javascript")
