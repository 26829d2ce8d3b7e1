"""Staff look at jobs, cancel them, and delete those that have ended, each with the permission for it."""

from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.test import RequestFactory
from django.urls import path

from chanx.bridge import Bridge, install
from chanx.bridge.contrib import installed
from chanx.bridge.contrib.models import Job
from chanx.bridge.contrib.store import DjangoJobStore
from chanx.bridge.states import JobState
from chanx.layers import LayerSpec
from tests.contract.jobs import Run, create, record, snapshot_of

urlpatterns: list[Any] = []


@pytest.fixture
def admin(settings: Any, queries: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The admin of jobs, in a project that has Django's admin."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.admin", "django.contrib.messages"]
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
    settings.STATIC_URL = "/static/"
    settings.ROOT_URLCONF = __name__
    module, site = import_module("chanx.bridge.contrib.admin"), import_module("django.contrib.admin").AdminSite()
    site.register(Job, module.JobAdmin)
    monkeypatch.setattr(import_module(__name__), "urlpatterns", [path("admin/", site.urls)])
    # It is for a link to the site, and would ask the project's own database.
    options = import_module("django.contrib.admin.options")
    monkeypatch.setattr(options, "get_content_type_for_model", lambda model: SimpleNamespace(pk=1))
    return site.get_model_admin(Job)


@pytest.fixture
def bridge(store: DjangoJobStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    with closing(Celery("admin", broker="memory://", set_as_current=False)) as app:
        monkeypatch.setattr(installed, "project_app", lambda: app)
        yield install(app, store=store, layer=LayerSpec.redis_pubsub("redis://127.0.0.1:1/0"))


def user(*permissions: str) -> Any:
    """One with these permissions; a superuser without any named."""
    someone = get_user_model()(pk=1, username="staff", is_staff=True, is_superuser=not permissions)
    someone._perm_cache = {f"chanx_jobs.{name}_job" for name in permissions}
    someone._user_perm_cache = someone._group_perm_cache = set()
    return someone


def request(by: Any, query: dict[str, str] | None = None, post: dict[str, Any] | None = None) -> Any:
    made: Any = RequestFactory().post("/", post) if post is not None else RequestFactory().get("/", query or {})
    made.user, made.session = by, {}
    made._messages = CookieStorage(made)
    made._dont_enforce_csrf_checks = True
    return made


def page(admin: Any, query: dict[str, str] | None = None) -> str:
    return str(admin.changelist_view(request(user(), query)).render().content.decode())


def act(admin: Any, action: str, by: Any, *job_ids: str) -> list[str]:
    """What the page says after an action on selected jobs."""
    asked = request(by, post={"action": action, "_selected_action": job_ids, "index": "0"})
    admin.changelist_view(asked)
    return [str(message) for message in get_messages(asked)]


def test_the_list_shows_jobs_with_their_progress(admin: Any, bridge: Bridge, store: DjangoJobStore) -> None:
    # Given
    running, ended = create(store, "user:7"), create(store, "project:é")
    Run(store, running).append(delivery="latest", patch={"job_progress": '{"fraction":0.25}'}, state=JobState.STARTED)
    Run(store, ended).append(state=JobState.SUCCEEDED)

    # When
    shown = page(admin)

    # Then
    for text in (running, ended, "user:7", "project:é", "tasks.t", "started", "25 %", "100 %"):
        assert text in shown


@pytest.mark.parametrize(
    "query", [{"q": "user:7"}, {"state__exact": "started"}, {"created": "1", "q": "user:7"}, {"q": "THE_ID"}]
)
def test_the_list_is_searched_and_filtered(
    admin: Any, bridge: Bridge, store: DjangoJobStore, query: dict[str, str]
) -> None:
    wanted, other = create(store, "user:7"), create(store, "user:8")
    Run(store, wanted).append(state=JobState.STARTED)

    shown = page(admin, {name: value.replace("THE_ID", wanted) for name, value in query.items()})

    assert wanted in shown
    assert other not in shown


def test_expired_jobs_are_not_listed(admin: Any, bridge: Bridge, store: DjangoJobStore, job_id: str) -> None:
    store._database.ask(("UPDATE chanx_jobs_job SET expires_at = NOW() - 1", ()))

    assert job_id not in page(admin)


def test_a_job_is_shown_with_its_log_and_cannot_be_edited(admin: Any, bridge: Bridge, store: DjangoJobStore) -> None:
    # Given
    job_id = store.create(record(watchers=("project:7",)))
    Run(store, job_id).append('{"message":"<b>"}', patch={"error": '{"code":"empty"}'})
    store.request_cancel(job_id, reason="enough")

    # When
    response = admin.change_view(request(user()), quote(job_id))
    shown = response.render().content.decode()

    # Then
    for text in ("project:7", "{&quot;message&quot;:&quot;&lt;b&gt;&quot;}", "empty", "enough"):
        assert text in shown
    assert 'name="_save"' not in shown
    assert "deletelink" not in shown


def test_selected_jobs_are_cancelled(admin: Any, bridge: Bridge, store: DjangoJobStore) -> None:
    # Given
    queued, running, ended = (create(store) for _ in range(3))
    Run(store, running).append(state=JobState.STARTED)
    Run(store, ended).append(state=JobState.SUCCEEDED)

    # When
    said = act(admin, "cancel_jobs", user("view", "change"), queued, running, ended)

    # Then
    assert said == ["2 jobs: asked to stop", "1 job: had ended already"]
    assert snapshot_of(store, running).cancel_requested
    assert snapshot_of(store, running).cancel_reason == "Cancelled by staff."
    assert snapshot_of(store, queued).state == "cancelled"
    assert snapshot_of(store, ended).state == "succeeded"


def test_only_ended_jobs_are_deleted(admin: Any, bridge: Bridge, store: DjangoJobStore) -> None:
    # Given
    running, ended = create(store), create(store)
    Run(store, ended).append(state=JobState.SUCCEEDED)

    # When
    said = act(admin, "delete_jobs", user("view", "delete"), running, ended)

    # Then
    assert said == ["1 job: deleted", "1 job: still active: cancel them first"]
    assert store.snapshot(ended) is None
    assert store.snapshot(running) is not None


@pytest.mark.parametrize(("may", "actions"), [("view", []), ("change", ["cancel_jobs"]), ("delete", ["delete_jobs"])])
def test_each_action_takes_its_permission(admin: Any, bridge: Bridge, may: str, actions: list[str]) -> None:
    by = user("view", may)

    assert list(admin.get_actions(request(by))) == actions
    asked = request(by)
    assert (admin.has_add_permission(asked), admin.has_change_permission(asked)) == (False, False)
    assert not admin.has_delete_permission(asked)


def test_who_has_no_permission_sees_nothing(admin: Any, bridge: Bridge) -> None:
    assert admin.has_view_permission(request(user("view")))
    assert not admin.has_view_permission(request(user("something")))


def test_without_a_bridge_it_says_what_is_missing(
    admin: Any, store: DjangoJobStore, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "project_app", SimpleNamespace)
    asked = request(user())

    for act_on in (admin.cancel_jobs, admin.delete_jobs):
        act_on(asked, Job.objects.using(store.alias).all())

    assert ["chanx.bridge.install" in str(message) for message in get_messages(asked)] == [True, True]
    assert not snapshot_of(store, job_id).cancel_requested
