"""The HTTP endpoints about jobs, and chanx.js, for a FastAPI application."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery import current_app
from fastapi import APIRouter, Depends, Request, Response
from starlette.staticfiles import StaticFiles

from chanx.bridge.installed import Bridge, bridge_of
from chanx.bridge.web.http import MAX_BODY_BYTES, Answer, JobsEndpoints, JobsRequest

_STATIC = Path(__file__).parents[1] / "channels" / "static" / "chanx"


def user_of_scope(request: Request) -> Any:
    """Whom a middleware has put into the scope, such as Starlette's ``AuthenticationMiddleware``; else None."""
    return request.scope.get("user")


def jobs_router(bridge: Bridge | None = None, *, user: Callable[..., Any] = user_of_scope) -> APIRouter:
    """The endpoints as a router: ``app.include_router(jobs_router(user=current_user), prefix="/jobs")``.

    ``bridge`` is by default that of the current Celery app. ``user`` is the dependency that returns who is signed in:
    an object with a ``pk`` or ``id``, an owner string, or None. A request to cancel has to have the content type
    ``application/json``, so that a browser lets other sites send it only where the application's CORS rules do.
    """
    router = APIRouter(tags=["jobs"])
    current: Any = Depends(user)

    def endpoints() -> JobsEndpoints:
        return JobsEndpoints(bridge or bridge_of(current_app))

    @router.get("/")
    async def jobs(request: Request, user: Any = current) -> Response:
        return _response(await endpoints().jobs(_asked(request, user)))

    @router.get("/{job_id}/")
    async def job(request: Request, job_id: str, user: Any = current) -> Response:
        return _response(await endpoints().job(_asked(request, user), job_id))

    @router.get("/{job_id}/events/")
    async def events(request: Request, job_id: str, user: Any = current) -> Response:
        return _response(await endpoints().events(_asked(request, user), job_id))

    @router.post("/{job_id}/cancel/")
    async def cancel(request: Request, job_id: str, user: Any = current) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return _response(_WRONG_TYPE)
        return _response(await endpoints().cancel(_asked(request, user, await _body_of(request)), job_id))

    return router


def static_files() -> StaticFiles:
    """The browser's side: ``app.mount("/chanx", static_files())`` serves ``/chanx/chanx.js``."""
    return StaticFiles(directory=_STATIC)


_WRONG_TYPE = Answer(
    415,
    b'{"error":{"code":"unsupported_media_type","message":"Send it with Content-Type: application/json."}}',
)


def _asked(request: Request, user: Any, body: bytes = b"") -> JobsRequest:
    return JobsRequest(
        scope={**request.scope, "user": user},
        query=dict(request.query_params),
        authorization=request.headers.get("authorization", ""),
        if_none_match=request.headers.get("if-none-match", ""),
        body=body,
    )


async def _body_of(request: Request) -> bytes:
    """Read no further than one byte beyond what may be sent."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            break
    return bytes(body[: MAX_BODY_BYTES + 1])


def _response(answer: Answer) -> Response:
    return Response(answer.content, status_code=answer.status, headers=dict(answer.headers))
