"""Staff look at the jobs of any store, and cancel them."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from celery import Celery
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory
from django.urls import path

from chanx.bridge.installed import Bridge, attach
from chanx.bridge.states import JobState
from chanx.bridge.store.base import Retention, StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.layers import MemoryPublisher
from tests.contract.jobs import Run, create, record, snapshot_of

APP = "chanx.bridge.contrib.store_admin"
urlpatterns: list[Any] = []


@pytest.fixture
def store() -> MemoryJobStore:
    return MemoryJobStore()


@pytest.fixture
def bridge(store: MemoryJobStore) -> Iterator[Bridge]:
    with closing(Celery("store-admin", broker="memory://", set_as_current=False)) as app:
        made = Bridge(app, store, DirectTransport(store, MemoryPublisher()))
        attach(made)
        yield made


@pytest.fixture
def admin(settings: Any, bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The admin of the store's jobs, in a project that has Django's admin."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.admin", "django.contrib.messages", APP]
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
    settings.STATIC_URL = "/static/"
    settings.TIME_ZONE = "UTC"
    settings.ROOT_URLCONF = __name__
    module, models = import_module(f"{APP}.admin"), import_module(f"{APP}.models")
    site = import_module("django.contrib.admin").AdminSite()
    site.register(models.StoredJob, module.StoredJobAdmin)
    monkeypatch.setattr(import_module(__name__), "urlpatterns", [path("admin/", site.urls)])
    monkeypatch.setattr(module, "project_app", lambda: bridge.app)
    return site.get_model_admin(models.StoredJob)


def user(*permissions: str) -> Any:
    """One with these permissions; a superuser without any named."""
    someone: Any = get_user_model()(pk=1, username="staff", is_staff=True, is_superuser=not permissions)
    someone._perm_cache = {f"chanx_store.{name}_storedjob" for name in permissions}
    someone._user_perm_cache = someone._group_perm_cache = set()
    return someone


def request(by: Any = None, query: dict[str, str] | None = None, post: dict[str, Any] | None = None) -> Any:
    made: Any = RequestFactory().post("/", post) if post is not None else RequestFactory().get("/", query or {})
    made.user, made.session = by or user(), {}
    made._messages = CookieStorage(made)
    return made


def listed(admin: Any, **query: str) -> str:
    return str(admin.changelist_view(request(query=query)).render().content.decode())


def shown(admin: Any, job_id: str, by: Any = None, **query: str) -> str:
    return str(admin.change_view(request(by, query), quote(job_id)).render().content.decode())


def said(asked: Any) -> list[str]:
    return [str(message) for message in get_messages(asked)]


class TestList:
    def test_jobs_of_all_owners(self, admin: Any, store: MemoryJobStore) -> None:
        # Given
        running, ended = create(store, "user:7"), create(store, "project:<é>")
        progress = {"job_progress": '{"fraction":0.25}'}
        Run(store, running).append(delivery="latest", patch=progress, state=JobState.STARTED)
        store.request_cancel(running)
        Run(store, ended).append(state=JobState.SUCCEEDED)

        # When
        page = listed(admin)

        # Then
        for text in (
            running,
            ended,
            "user:7",
            "project:&lt;é&gt;",
            "tasks.t",
            "started, asked to stop",
            "25 %",
            "100 %",
        ):
            assert text in page

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"owner": "user:7"}, [0, 2]),
            ({"owner": " user:7 ", "state": "started"}, [0]),
            ({"owner": "project:1"}, [1]),
            ({"state": "queued"}, [1, 2]),
            ({"state": "nonsense"}, [0, 1, 2]),
            ({"name": "TASKS"}, [0, 1, 2]),
            ({"name": "other"}, []),
            ({"before": "nonsense"}, [0, 1, 2]),
        ],
    )
    def test_it_is_searched(self, admin: Any, store: MemoryJobStore, query: dict[str, str], found: list[int]) -> None:
        jobs = [
            create(store, "user:7"),
            store.create(record("user:8", watchers=("project:1",))),
            create(store, "user:7"),
        ]
        Run(store, jobs[0]).append(state=JobState.STARTED)

        page = listed(admin, **query)

        assert [number for number, job_id in enumerate(jobs) if job_id in page] == found
        assert ("No jobs." in page) == (not found)

    def test_page_by_page(self, admin: Any, store: MemoryJobStore) -> None:
        # Given
        search = import_module(f"{APP}.search")
        at = datetime.now(UTC)  # the same for all
        made = [store.create(record().model_copy(update={"created_at": at})) for _ in range(7)]
        jobs = sorted(made, reverse=True)
        for number in (2, 5):
            Run(store, jobs[number]).append(state=JobState.FAILED)

        # When all are looked for, three at a time
        pages: list[list[str]] = []
        place: tuple[Any, ...] = ()
        while not pages or place:
            found = search.find(store, search.Search("", "", "", *place), shown=3)
            pages.append([job.job_id for job in found.jobs])
            place = () if found.last is None else found.last.place

        # Then
        assert pages == [jobs[:3], jobs[3:6], jobs[6:]]

        # When few match, and only three are looked at
        found = search.find(store, search.Search("", "failed"), looked_at=3)
        then = search.find(store, search.Search("", "failed", "", *found.last.place), looked_at=3)
        last = search.find(store, search.Search("", "failed", "", *then.last.place), looked_at=3)

        # Then
        assert [[job.job_id for job in each.jobs] for each in (found, then, last)] == [[jobs[2]], [jobs[5]], []]
        assert last.last is None

    def test_the_link_to_older_ones_keeps_the_search(
        self, admin: Any, store: MemoryJobStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        jobs = [create(store, age=timedelta(minutes=number)) for number in range(51)]

        page = listed(admin, owner="user:1")

        created = snapshot_of(store, jobs[49]).created_at.isoformat().replace(":", "%3A").replace("+", "%2B")
        assert f'<a href="?owner=user%3A1&amp;before={created}&amp;before_id={jobs[49]}">Older jobs</a>' in page
        before = snapshot_of(store, jobs[49]).created_at.isoformat()
        assert jobs[50] in listed(admin, owner="user:1", before=before, before_id=jobs[49])

    def test_an_owner_that_is_none(self, admin: Any) -> None:
        asked = request(query={"owner": "ada"})
        assert admin.changelist_view(asked).status_code == 200
        assert said(asked) == ["'ada' is no owner: write it as kind:id, such as user:42."]

    def test_a_store_that_is_away(self, admin: Any, store: MemoryJobStore, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(**_: Any) -> Any:
            raise StoreUnavailableError("The job store did not answer.")

        monkeypatch.setattr(store, "all_jobs", away)
        asked = request(query={"name": "x"})
        answer = admin.changelist_view(asked)
        assert answer.status_code == 503
        assert said(asked) == ["The job store did not answer."]
        page = answer.render().content.decode()
        assert '<a href="/?name=x">Try again</a>' in page
        assert "No jobs." not in page

    def test_without_a_bridge(self, admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(import_module(f"{APP}.admin"), "project_app", lambda: None)
        asked = request()
        assert admin.changelist_view(asked).status_code == 503
        assert "chanx.bridge.install" in said(asked)[0]


class TestJob:
    def test_what_is_known_of_it(self, admin: Any, store: MemoryJobStore) -> None:
        # Given
        job_id = store.create(record(watchers=("project:7",)))
        event = json.dumps({"action": "job_log", "task_id": "t9", "time": "2026-01-02T03:04:05Z", "payload": "<b>é"})
        Run(store, job_id).append(event, patch={"error": '{"code":"empty"}'})
        store.request_cancel(job_id, reason="enough")

        # When
        page = shown(admin, job_id)

        # Then
        for text in ("project:7", "job_log", "t9", "&quot;&lt;b&gt;é&quot;", "03:04:05", "empty", "enough", "tasks.t"):
            assert text in page
        assert "<b>é" not in page

    def test_events_page_by_page(self, admin: Any, store: MemoryJobStore) -> None:
        timeline_of = import_module(f"{APP}.timeline").timeline_of
        job_id = create(store)
        run = Run(store, job_id)
        for _ in range(7):
            run.append()
        job = snapshot_of(store, job_id)

        def seqs(after: int | None) -> tuple[list[int], int | None, int | None]:
            timeline = timeline_of(store, job, after=after, rows=3)
            return [row.seq for row in timeline.rows], timeline.older, timeline.newer

        assert seqs(None) == ([5, 6, 7], 1, None)
        assert seqs(1) == ([2, 3, 4], 0, 4)
        assert seqs(0) == ([1, 2, 3], None, 3)
        assert seqs(7) == ([], None, None)

    def test_events_that_are_gone_are_not_linked(self, store: MemoryJobStore) -> None:
        timeline_of = import_module(f"{APP}.timeline").timeline_of
        store.retention = Retention(max_entries=10)
        job_id = create(store)
        run = Run(store, job_id)
        for _ in range(25):
            run.append()

        timeline = timeline_of(store, snapshot_of(store, job_id), after=0, rows=100)

        assert (timeline.rows[0].seq, timeline.older) == (16, None)

    def test_an_event_that_python_does_not_read(self, admin: Any, store: MemoryJobStore) -> None:
        job_id = create(store)
        Run(store, job_id).append('{"payload":' + "1" * 5000 + "}")
        assert "1111…" in shown(admin, job_id)

    def test_an_event_whose_time_is_none(self, admin: Any, store: MemoryJobStore) -> None:
        job_id = create(store)
        Run(store, job_id).append('{"action":"x","time":5}')
        assert "&quot;time&quot;:5" in shown(admin, job_id)

    @pytest.mark.parametrize("after", ["9" * 5000, "x", "-1", "\u0663"])
    def test_a_place_that_is_none_is_the_newest(self, admin: Any, store: MemoryJobStore, after: str) -> None:
        job_id = create(store)
        Run(store, job_id).append('{"action":"the_newest"}')
        assert "the_newest" in shown(admin, job_id, after=after)

    def test_a_store_that_is_away(self, admin: Any, store: MemoryJobStore, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(job_id: str) -> Any:
            raise StoreUnavailableError("The job store did not answer.")

        monkeypatch.setattr(store, "snapshot", away)
        asked = request(query={"after": "5"})
        answer = admin.change_view(asked, "j")
        assert (answer.status_code, said(asked)) == (503, ["The job store did not answer."])
        assert '<a href="/?after=5">Try again</a>' in answer.render().content.decode()

    @pytest.mark.parametrize(("begun", "shows"), [('"2026-01-02T03:04:05Z"', True), ("5", False), ('"soon"', False)])
    def test_times_are_of_one_zone(
        self, admin: Any, store: MemoryJobStore, begun: str, shows: bool, settings: Any
    ) -> None:
        settings.TIME_ZONE = "Asia/Tokyo"
        job_id = create(store)
        Run(store, job_id).append(patch={"started_at": begun, "result_omitted": "false"}, state=JobState.STARTED)

        page = shown(admin, job_id)

        assert ("<th>Started</th><td>2026-01-02 12:04:05</td>" in page) == shows
        assert "result_omitted" not in page

    def test_there_is_none(self, admin: Any) -> None:
        asked = request()
        answer = admin.change_view(asked, "nothing")
        assert (answer.status_code, answer.url) == (302, "/admin/chanx_store/storedjob/")
        assert said(asked) == ["There is no job nothing: it never was, or its retention is over."]


class TestCancel:
    @pytest.fixture
    def noted(self, admin: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
        """What went into the admin's own log, which has a table."""
        entries: list[tuple[str, str]] = []
        monkeypatch.setattr(type(admin), "log_change", lambda self, request, job, text: entries.append((job.pk, text)))
        return entries

    @pytest.mark.parametrize(("reason", "kept"), [("", "Cancelled by staff."), (" wrong file ", "wrong file")])
    def test_a_running_job(
        self, admin: Any, store: MemoryJobStore, noted: list[tuple[str, str]], reason: str, kept: str
    ) -> None:
        job_id = create(store)
        Run(store, job_id).append(state=JobState.STARTED)
        asked = request(user("view", "change"), post={"reason": reason})

        answer = admin.cancel_view(asked, quote(job_id))

        assert (answer.status_code, said(asked)) == (302, ["The job was asked to stop."])
        assert snapshot_of(store, job_id).cancel_reason == kept
        assert noted == [(job_id, "Asked to stop.")]

    def test_one_that_has_ended(self, admin: Any, store: MemoryJobStore, noted: list[tuple[str, str]]) -> None:
        job_id = create(store)
        Run(store, job_id).append(state=JobState.FAILED)
        asked = request(post={})
        admin.cancel_view(asked, quote(job_id))
        assert said(asked) == ["The job had ended already: failed."]
        assert "Cancel the job" not in shown(admin, job_id)

    def test_one_that_is_not_there(self, admin: Any, noted: list[tuple[str, str]]) -> None:
        asked = request(post={})
        assert admin.cancel_view(asked, "nothing").status_code == 302
        assert ("There is no job nothing" in said(asked)[0], noted) == (True, [])


def test_permissions(admin: Any, store: MemoryJobStore) -> None:
    job_id = create(store)
    may_look, may_cancel, nobody = user("view"), user("view", "change"), user("something")

    assert "Cancel the job" not in shown(admin, job_id, may_look)
    assert "Cancel the job" in shown(admin, job_id, may_cancel)
    with pytest.raises(PermissionDenied):
        admin.cancel_view(request(may_look, post={}), quote(job_id))
    with pytest.raises(PermissionDenied):
        admin.changelist_view(request(nobody))
    with pytest.raises(PermissionDenied):
        admin.change_view(request(nobody), quote(job_id))
    assert not snapshot_of(store, job_id).cancel_requested
    assert not admin.has_add_permission(request())
    assert not admin.has_delete_permission(request())
