"""The pages: sign in, start a job and see mine, watch one."""

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth.views import LoginView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from example_site.jobs import services, uploads
from example_site.jobs.forms import CommandForm, UploadForm
from example_site.jobs.services import NOT_STARTED, JobsUnavailableError

logger = logging.getLogger(__name__)

NOT_LISTED = "Your jobs cannot be shown at the moment: the job log does not answer. Try again in a moment."


class SignInView(LoginView):
    template_name = "jobs/sign_in.html"
    redirect_authenticated_user = True


def _home(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "command_form": CommandForm(),
        "upload_limit": settings.MAX_UPLOAD_BYTES,
        "upload_limit_mb": settings.MAX_UPLOAD_MB,
        "upload_max_files": settings.MAX_UPLOAD_FILES,
        **more,
    }
    try:
        context["jobs"] = services.jobs_of(request.user)
    except JobsUnavailableError:
        logger.warning("job log not reachable", exc_info=True)
        context.setdefault("trouble", NOT_LISTED)
        status = 503
    return render(request, "jobs/home.html", context, status=status)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return _home(request)


@require_POST
def start_upload(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request)
    if not form.is_valid():
        return _home(request, status=400, upload_form=form)
    kept = uploads.keep(form.cleaned_data["file"], request.user)
    try:
        job = services.start_upload_job(kept, request.user)
    except JobsUnavailableError:
        logger.warning("job not started", exc_info=True)
        uploads.forget(kept)
        return _home(request, status=503, trouble=NOT_STARTED)
    return redirect("job", job_id=job.job_id)


@require_POST
def start_command(request: HttpRequest) -> HttpResponse:
    form = CommandForm(request.POST)
    if not form.is_valid():
        return _home(request, status=400, command_form=form)
    try:
        job = services.start_command_job(form.cleaned_data["command"], request.user)
    except JobsUnavailableError:
        logger.warning("job not started", exc_info=True)
        return _home(request, status=503, trouble=NOT_STARTED)
    return redirect("job", job_id=job.job_id)


@require_safe
def job_page(request: HttpRequest, job_id: str) -> HttpResponse:
    try:
        job = services.job_of(request.user, job_id)
    except JobsUnavailableError:
        logger.warning("job log not reachable", exc_info=True)
        return render(request, "jobs/unavailable.html", status=503)
    if job is None:
        raise Http404
    return render(request, "jobs/job.html", {"job": job})


@require_safe
def job_element(request: HttpRequest, job_id: str) -> HttpResponse:
    """The same job without any code of the site: whose it is, the WebSocket finds out."""
    return render(request, "jobs/job_element.html", {"job_id": job_id})
