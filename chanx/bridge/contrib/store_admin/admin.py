"""The pages: jobs newest first, by owner, state and task; one with the timeline of its events; cancelling it.

Looking takes the permission to view jobs, cancelling the one to change them. Nothing else can be changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from chanx.bridge.contrib.store_admin.apps import LABEL
from chanx.bridge.contrib.store_admin.models import StoredJob
from chanx.bridge.contrib.store_admin.search import Found, Search, find
from chanx.bridge.contrib.store_admin.timeline import as_json, position_of, timeline_of
from chanx.bridge.installed import Bridge, bridge_or_none, project_app
from chanx.bridge.snapshot import JobSnapshot, percent
from chanx.bridge.states import JobState
from chanx.bridge.store.base import StoreUnavailableError
from chanx.errors import ChanxError, ConfigurationError

if TYPE_CHECKING:
    StoredJobModelAdmin = admin.ModelAdmin[StoredJob]
else:
    StoredJobModelAdmin = admin.ModelAdmin

_PLACED: Final = ("started_at", "ended_at")
_REASON: Final = "Cancelled by staff."


@admin.register(StoredJob)
class StoredJobAdmin(StoredJobModelAdmin):
    """Reads the bridge of the project's Celery app."""

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, f"{LABEL}_{self.opts.model_name}"
        return [
            path("", wrap(require_safe(self.changelist_view)), name=f"{name}_changelist"),
            path("<path:object_id>/change/", wrap(require_safe(self.change_view)), name=f"{name}_change"),
            path("<path:object_id>/cancel/", wrap(require_POST(self.cancel_view)), name=f"{name}_cancel"),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: StoredJob | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The newest jobs that match the query."""
        self._require(self.has_view_permission(request))
        search = Search.of(request.GET.dict())
        found = Found(())
        if not search.is_possible:
            text = f"{search.owner!r} is no owner: write it as kind:id, such as user:42."
            self.message_user(request, text, messages.ERROR)
        else:
            try:
                found = find(_bridge().store, search)
            except ChanxError as error:
                return self._unavailable(request, error)
        return self._page(
            request,
            "job_list.html",
            {
                "title": "Jobs",
                "search": search,
                "states": [state.value for state in JobState],
                "rows": [
                    {"job": job, "url": self._url("change", job.job_id), "progress": percent(job.fraction)}
                    for job in found.jobs
                ],
                "more": _query_on(search, found),
            },
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One job, with a page of its events."""
        self._require(self.has_view_permission(request))
        job_id, after = unquote(object_id), position_of(request.GET.get("after", ""))
        try:
            bridge = _bridge()
            job = bridge.job(job_id)
            timeline = timeline_of(bridge.store, job, after=after)
        except StoreUnavailableError as error:
            return self._unavailable(request, error)
        except ChanxError as error:
            return self._back(request, str(error))
        return self._page(
            request,
            "job.html",
            {
                "title": f"{job.name} {job.job_id}",
                "job": job,
                "progress": percent(job.fraction),
                "times": {name: _moment(job.fields.get(f"{name.lower()}_at")) for name in ("Started", "Ended")},
                "values": {name: as_json(value) for name, value in _values(job).items()},
                "timeline": timeline,
                "cancel_url": self._url("cancel", job.job_id) if self._may_cancel(request, job) else None,
            },
        )

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks a job to stop."""
        self._require(self.has_change_permission(request))
        job_id = unquote(object_id)
        try:
            state = _bridge().cancel(job_id, reason=request.POST.get("reason", "").strip() or _REASON)
        except ChanxError as error:
            return self._back(request, str(error))
        self.log_change(request, StoredJob(job_id=job_id), "Asked to stop.")
        if state in (JobState.SUCCEEDED, JobState.FAILED):
            self.message_user(request, f"The job had ended already: {state.value}.", messages.WARNING)
        else:
            self.message_user(request, "The job was asked to stop.", messages.SUCCESS)
        return HttpResponseRedirect(self._url("change", job_id))

    def _may_cancel(self, request: HttpRequest, job: JobSnapshot) -> bool:
        return self.has_change_permission(request) and not job.state.is_terminal

    def _require(self, is_allowed: bool) -> None:
        if not is_allowed:
            raise PermissionDenied

    def _back(self, request: HttpRequest, problem: str) -> HttpResponse:
        """To the list, which says what the problem is."""
        self.message_user(request, problem, messages.ERROR)
        return HttpResponseRedirect(reverse(f"{self.admin_site.name}:{LABEL}_{self.opts.model_name}_changelist"))

    def _unavailable(self, request: HttpRequest, error: ChanxError) -> HttpResponse:
        """At the address that was asked for, so that it can be asked for again."""
        self.message_user(request, str(error), messages.ERROR)
        return self._page(request, "unavailable.html", {"title": "Jobs", "again": request.get_full_path()}, status=503)

    def _url(self, view: str, job_id: str) -> str:
        return reverse(f"{self.admin_site.name}:{LABEL}_{self.opts.model_name}_{view}", args=[quote(job_id)])

    def _page(
        self, request: HttpRequest, template: str, content: Mapping[str, Any], *, status: int = 200
    ) -> TemplateResponse:
        request.current_app = self.admin_site.name  # as every view of the admin does
        context = {**self.admin_site.each_context(request), "opts": self.opts, **content}
        return TemplateResponse(request, f"{LABEL}/{template}", context, status=status)


def _bridge() -> Bridge:
    bridge = bridge_or_none(project_app())
    if bridge is None:
        raise ConfigurationError("This process has no bridge: import the module that calls chanx.bridge.install.")
    return bridge


def _values(job: JobSnapshot) -> dict[str, Any]:
    """What has been set by the starter and by events, but for what has a place of its own."""
    shown: dict[str, Any] = {"meta": job.meta, **job.fields}
    return {name: value for name, value in shown.items() if value not in (None, {}, False) and name not in _PLACED}


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def _query_on(search: Search, found: Found) -> str | None:
    if found.last is None:
        return None
    before, before_id = found.last.place
    asked = {"owner": search.owner, "state": search.state, "name": search.name}
    return urlencode(
        {**{name: text for name, text in asked.items() if text}, "before": before.isoformat(), "before_id": before_id}
    )
