"""An application's AsyncAPI document over HTTP, and its documentation page, for routes of the project's own::

@app.get("/asyncapi")
async def docs(request: Request) -> Response:
    return await asyncapi_docs(request, app)
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Final

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from chanx.asyncapi.servers import Server, server_at
from chanx.asyncapi.serving import Answer, Docs, docs_answer, document_answer
from chanx.fast_channels.documents import application_document
from chanx.fast_channels.type_defs import AsyncAPIConfig
from chanx.fast_channels.utils import build_default_config_from_app, merge_configs
from chanx.routing.traversal import traverse_middleware_stack

YAML: Final = "application/x-yaml"


async def asyncapi_spec_json(request: Request, app: Any, config: AsyncAPIConfig | None = None) -> Response:
    """The document as JSON; 500 and ``{"error": text}`` if it cannot be made."""
    return await _document(request, app, config, "json")


async def asyncapi_spec_yaml(request: Request, app: Any, config: AsyncAPIConfig | None = None) -> Response:
    """The document as YAML; 400 without PyYAML, 500 if it cannot be made, both with ``{"error": text}``."""
    return await _document(request, app, config, "yaml")


async def asyncapi_docs(request: Request, app: Any, config: AsyncAPIConfig | None = None) -> Response:
    """The documentation page with its console; 500 and a page with the error if it cannot be made.

    Its style sheet and scripts (``?asset=``) and the document (``?format=``) come from the same URL.
    """
    docs = Docs(
        docs_url=request.url.path,
        asset=_query(request, "asset"),
        text_format=_query(request, "format"),
        yaml_type=YAML,
        react_component_url=(config or {}).get("react_component_url"),
    )
    # In a thread: a large document takes longer than the event loop should.
    return _response(request, await run_in_threadpool(docs_answer, _make(request, app, config), docs))


def generate_asyncapi_schema(request: Request, app: Any, config: AsyncAPIConfig | None = None) -> dict[str, Any]:
    """The document of ``app``, an application or what middleware is around it, for that request."""
    merged = merge_configs(build_default_config_from_app(request, app), config)
    return application_document(app, _server(request, app, merged, config), merged)


async def _document(request: Request, app: Any, config: AsyncAPIConfig | None, text_format: str) -> Response:
    make = _make(request, app, config)
    return _response(request, await run_in_threadpool(document_answer, make, text_format, yaml_type=YAML))


def _make(request: Request, app: Any, config: AsyncAPIConfig | None) -> partial[dict[str, Any]]:
    return partial(generate_asyncapi_schema, request, app, config)


def _server(request: Request, app: Any, merged: AsyncAPIConfig, config: AsyncAPIConfig | None) -> Server:
    server = server_at(merged.get("server_url") or "", protocol=merged.get("server_protocol"))
    if (config or {}).get("server_url"):
        return server
    return replace(server, pathname=_path_of(app, request.scope))


def _path_of(app: Any, scope: Any) -> str:
    """What comes before an application's own paths: a proxy's prefix, and where it is mounted if it is a part."""
    root = _text(scope.get("root_path"))
    if not root:
        return ""
    is_within = any(layer is scope.get("app") for layer in traverse_middleware_stack(app))
    return str(root if is_within else scope.get("app_root_path") or "").rstrip("/")


def _query(request: Request, name: str) -> str | None:
    return _text(request.query_params.get(name))


def _text(value: Any) -> str | None:
    """Not what a test's double of a request has for whatever it is asked for."""
    return value if isinstance(value, str) else None


def _response(request: Request, answer: Answer) -> Response:
    answer = answer.unless_known(_text(request.headers.get("if-none-match")) or "")
    # Without Starlette's media_type, which would add a charset to the YAML type.
    headers = {**answer.headers, "Content-Type": answer.content_type}
    return Response(answer.body, status_code=answer.status, headers=headers)
