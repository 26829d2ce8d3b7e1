"""The project's AsyncAPI document over HTTP, and its documentation page: ``chanx.channels.urls`` has both.

They show the protocol to whoever may open them: ``login_required(AsyncAPIDocsView.as_view())`` where not all may.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.exceptions import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.safestring import mark_safe
from django.views import View

from chanx.asyncapi.page import PageParts, whole_page
from chanx.asyncapi.servers import Server, server_at
from chanx.asyncapi.serving import Answer, Docs, docs_answer, document_answer
from chanx.channels.documents import project_document
from chanx.channels.settings import chanx_settings

YAML: Final = "application/yaml"

TEMPLATE: Final = "channels/asyncapi_docs.html"


def generate_asyncapi_schema(request: HttpRequest) -> dict[str, Any]:
    """The project's document for that request: its host is the server, unless ``ASYNCAPI_SERVER_URL`` is another."""
    return project_document(_server(request))


class AsyncAPISchemaView(View):
    """The document: JSON, or YAML with ``?format=yaml``."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        """400 for another format, 500 if the document cannot be made, both with ``{"error": text}``."""
        request.get_host()  # a Host that is not allowed is Django's to answer
        make = partial(generate_asyncapi_schema, request)
        return _response(request, document_answer(make, request.GET.get("format"), yaml_type=YAML))


class AsyncAPIDocsView(View):
    """The documentation page with its console.

    A project that wants another frame around it has a template ``channels/asyncapi_docs.html`` of its own, which may
    extend this one. With ``ASYNCAPI_REACT_COMPONENT_URL`` it is a page on ``@asyncapi/react-component`` from there.
    """

    http_method_names = ["get", "head"]
    template_name = TEMPLATE

    def get(self, request: HttpRequest) -> HttpResponse:
        """Also the page's style sheet and scripts (``?asset=``), and the document (``?format=``)."""
        request.get_host()  # a Host that is not allowed is Django's to answer
        docs = Docs(
            docs_url=request.path,
            asset=request.GET.get("asset"),
            text_format=request.GET.get("format"),
            yaml_type=YAML,
            react_component_url=chanx_settings.ASYNCAPI_REACT_COMPONENT_URL,
        )
        return _response(request, docs_answer(partial(generate_asyncapi_schema, request), docs, self._framed))

    def _framed(self, parts: PageParts) -> str:
        try:
            template = get_template(self.template_name)
        except TemplateDoesNotExist:
            if self.template_name != TEMPLATE:
                raise
            return whole_page(parts)  # a project that has no templates, or none out of its apps
        # The parts are HTML, whose values are escaped already.
        context = {"title": mark_safe(parts.title), "head": mark_safe(parts.head), "body": mark_safe(parts.body)}
        return template.render(context, self.request)


def _server(request: HttpRequest) -> Server:
    protocol = chanx_settings.ASYNCAPI_SERVER_PROTOCOL or ("wss" if request.is_secure() else "ws")
    if chanx_settings.ASYNCAPI_SERVER_URL:
        return server_at(chanx_settings.ASYNCAPI_SERVER_URL, protocol=protocol)
    return Server(request.get_host(), protocol, request.META.get("SCRIPT_NAME", "").rstrip("/"))


def _response(request: HttpRequest, answer: Answer) -> HttpResponse:
    answer = answer.unless_known(request.headers.get("If-None-Match", ""))
    headers = {**answer.headers, "Content-Type": answer.content_type}
    return HttpResponse(answer.body, status=answer.status, headers=headers)
