"""The jobs in Django's admin: to look at, to cancel, and to delete once they have ended. Staff change nothing else.

It shows the jobs of the database; those of a Redis store are not there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.timesince import timesince
from django.utils.translation import ngettext

from chanx.bridge.contrib.installed import bridge_on_database, installed_store
from chanx.bridge.contrib.models import Event, Job, Patch
from chanx.bridge.installed import Bridge
from chanx.bridge.snapshot import decoded_fields, fraction_of, percent
from chanx.bridge.states import TERMINAL_STATES, JobState
from chanx.bridge.store.base import StoreUnavailableError
from chanx.errors import JobNotFoundError

if TYPE_CHECKING:
    JobModelAdmin = admin.ModelAdmin[Job]
else:
    JobModelAdmin = admin.ModelAdmin

_SHOWN = 200
"""Events of a log that are shown, the newest ones."""


class CreatedFilter(admin.SimpleListFilter):
    """By when the job was started."""

    title = "created"
    parameter_name = "created"
    _DAYS = {"1": "Within a day", "7": "Within 7 days", "30": "Within 30 days"}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self._DAYS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        days = self.value()
        if days not in self._DAYS:
            return queryset
        return queryset.filter(created_at__gte=datetime.now(UTC) - timedelta(days=int(days)))


@admin.register(Job)
class JobAdmin(JobModelAdmin):
    """Cancelling takes the permission to change jobs, deleting the one to delete them."""

    list_display = ("job_id", "name", "owner", "state", "progress", "created_at", "age", "is_cancelled")
    list_filter = ("state", CreatedFilter, "is_cancelled")
    search_fields = ("=job_id", "owner", "name")
    ordering = ("-created_at", "job_id")
    list_per_page = 50
    show_full_result_count = False
    actions = ("cancel_jobs", "delete_jobs")
    fields = (
        ("job_id", "name"),
        ("owner", "watchers"),
        ("state", "attempt", "progress", "is_cancelled", "reason"),
        ("created_at", "age", "expires_at"),
        "meta",
        "snapshot",
        "log",
    )
    readonly_fields = ("watchers", "progress", "reason", "age", "meta", "snapshot", "log")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        jobs = super().get_queryset(request).filter(expires_at__gt=datetime.now(UTC))
        store = installed_store()
        patches = Prefetch("patches", queryset=Patch.objects.filter(kind="field"), to_attr="field_patches")
        return (jobs.using(store.alias) if store else jobs).prefetch_related(patches)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return _may(request, "change")

    def has_forget_permission(self, request: HttpRequest) -> bool:
        return _may(request, "delete")

    def has_view_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return any(_may(request, action) for action in ("view", "change", "delete"))

    @admin.action(description="Cancel selected jobs", permissions=["cancel"])
    def cancel_jobs(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        bridge = self._bridge(request)
        if bridge is None:
            return

        def cancel(job: Job) -> bool:
            return job.is_active and bridge.cancel(job.job_id, reason="Cancelled by staff.") not in _ENDED

        self._do(request, queryset, cancel, "asked to stop", "had ended already")

    @admin.action(description="Delete selected jobs that have ended", permissions=["forget"])
    def delete_jobs(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        bridge = self._bridge(request)
        if bridge is not None:
            delete = bridge.store.delete
            self._do(request, queryset, lambda job: delete(job.job_id), "deleted", "still active: cancel them first")

    def _bridge(self, request: HttpRequest) -> Bridge | None:
        """The bridge; without one, the page says what is missing."""
        bridge = bridge_on_database()
        if bridge is None:
            text = "Nothing was done: this process has no bridge. Import the module that calls chanx.bridge.install."
            self.message_user(request, text, messages.ERROR)
        return bridge

    def _do(
        self, request: HttpRequest, jobs: QuerySet[Job], do: Callable[[Job], bool], done: str, not_done: str
    ) -> None:
        """Does it to each job, and says to how many."""
        answers: list[bool] = []
        try:
            for job in jobs:
                try:
                    answers.append(do(job))
                except JobNotFoundError:  # its retention is over by now
                    answers.append(False)
        except StoreUnavailableError as error:
            self.message_user(request, str(error), messages.ERROR)
        for count, text, level in (
            (answers.count(True), done, messages.SUCCESS),
            (answers.count(False), not_done, messages.WARNING),
        ):
            if count:
                self.message_user(request, ngettext("%d job: %s", "%d jobs: %s", count) % (count, text), level)

    @admin.display(description="progress")
    def progress(self, job: Job) -> str:
        return percent(fraction_of(JobState(job.state), _fields(job)))

    @admin.display(description="age", ordering="-created_at")
    def age(self, job: Job) -> str:
        return timesince(job.created_at)

    @admin.display(description="watchers")
    def watchers(self, job: Job) -> str:
        _, *watchers = json.loads(job.listed_for)
        return ", ".join(watchers)

    @admin.display(description="reason")
    def reason(self, job: Job) -> str:
        return "" if job.cancel_reason is None else str(json.loads(job.cancel_reason) or "")

    @admin.display(description="meta")
    def meta(self, job: Job) -> str:
        return _pre(json.loads(job.record)["meta"])

    @admin.display(description="snapshot")
    def snapshot(self, job: Job) -> str:
        return _pre(_fields(job))

    @admin.display(description="log")
    def log(self, job: Job) -> str:
        """The newest events, the newest first."""
        events = Event.objects.using(job._state.db).filter(job_id=job.job_id).order_by("-seq")[:_SHOWN]
        rows = format_html_join("", "<tr><td>{}</td><td><code>{}</code></td></tr>", ((e.seq, e.text) for e in events))
        return format_html("<table>{}</table>", rows)


_ENDED = TERMINAL_STATES - {JobState.CANCELLED}


def _may(request: HttpRequest, action: str) -> bool:
    user: Any = request.user  # a project's own model, or nobody
    may: bool = user.has_perm(f"chanx_jobs.{action}_job")
    return may


def _fields(job: Job) -> dict[str, Any]:
    return decoded_fields({patch.name: patch.value for patch in job.field_patches})


def _pre(value: object) -> str:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))
