"""The HTTP endpoints about jobs for a Django project: ``path("jobs/", include("chanx.channels.jobs"))``.

The user is ``request.user``, by whatever middleware the project has. Cancelling is protected against forged requests
by Django's ``csrf_protect``, except where a bearer token comes along: no browser sends one by itself. The views are
synchronous: they work with ``ATOMIC_REQUESTS``, under WSGI, and under ASGI, where the store is waited for by the event
loop.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from asgiref.sync import async_to_sync
from celery import current_app
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from chanx.bridge.installed import bridge_of
from chanx.bridge.web.http import MAX_BODY_BYTES, Answer, JobsEndpoints, JobsRequest, has_bearer

app_name = "chanx_jobs"

_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


@require_safe
def jobs(request: HttpRequest) -> HttpResponse:
    """The newest jobs of the user."""
    return _respond(_endpoints().jobs, request)


@require_safe
def job(request: HttpRequest, job_id: str) -> HttpResponse:
    """A job as it stands."""
    return _respond(_endpoints().job, request, job_id)


@require_safe
def events(request: HttpRequest, job_id: str) -> HttpResponse:
    """A page of a job's log."""
    return _respond(_endpoints().events, request, job_id)


@csrf_exempt  # by Django's middleware, which knows nothing of bearer tokens
@require_POST
def cancel(request: HttpRequest, job_id: str) -> HttpResponse:
    """Asks a job to stop."""
    view = _cancel if has_bearer(request.headers.get("Authorization", "")) else csrf_protect(_cancel)
    return view(request, job_id)


urlpatterns = [
    path("", jobs, name="jobs"),
    path("<str:job_id>/", job, name="job"),
    path("<str:job_id>/events/", events, name="events"),
    path("<str:job_id>/cancel/", cancel, name="cancel"),
]


def _endpoints() -> JobsEndpoints:
    return JobsEndpoints(bridge_of(current_app))


def _cancel(request: HttpRequest, job_id: str) -> HttpResponse:
    return _respond(_endpoints().cancel, request, job_id, body=_body_of(request))


def _respond(
    endpoint: Callable[..., Awaitable[Answer]], request: HttpRequest, *args: str, body: bytes = b""
) -> HttpResponse:
    asked = JobsRequest(
        scope=_scope_of(request),
        query=request.GET.dict(),
        authorization=request.headers.get("Authorization", ""),
        if_none_match=request.headers.get("If-None-Match", ""),
        body=body,
    )
    answer = async_to_sync(endpoint)(asked, *args)
    return HttpResponse(answer.content, status=answer.status, headers=dict(answer.headers))


def _scope_of(request: HttpRequest) -> dict[str, Any]:
    """The request's ASGI scope, or what WSGI tells of one, with the user and the session."""
    scope: dict[str, Any] = getattr(request, "scope", None) or {
        "type": "http",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "query_string": request.META.get("QUERY_STRING", "").encode("latin-1", "replace"),
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
            for name, value in request.headers.items()
        ],
    }
    user = getattr(request, "user", None)
    bool(getattr(user, "is_authenticated", False))  # reads it from the database here, where that may be done
    return {**scope, "user": user, "session": getattr(request, "session", None)}


def _body_of(request: HttpRequest) -> bytes:
    """At most one byte more than may be sent; what a form says, as JSON."""
    if request.content_type in _FORMS:
        return json.dumps(request.POST.dict()).encode()[: MAX_BODY_BYTES + 1]
    try:
        return request.body[: MAX_BODY_BYTES + 1]
    except RequestDataTooBig:
        return bytes(MAX_BODY_BYTES + 1)
