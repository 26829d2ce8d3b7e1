"""What the endpoints of a document answer, whatever the web framework.

GET schema/?format=yaml              ─> document_answer() ─┐
GET docs/, docs/?asset=…, ?format=…  ─> docs_answer() ─────┴─> Answer
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from json import dumps
from typing import Any, Final, TypeAlias

from chanx.asyncapi.page import PageParts, asset, page_parts, whole_page
from chanx.asyncapi.react_page import react_page_parts
from chanx.asyncapi.text import Format, document_text, format_named
from chanx.errors import ConfigurationError, MissingExtraError
from chanx.log import logger

MakeDocument: TypeAlias = Callable[[], Mapping[str, Any]]

JSON: Final = "application/json"
HTML: Final = "text/html; charset=utf-8"
TEXT: Final = "text/plain; charset=utf-8"

_ERROR_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Error</title></head>
<body>
<h1>Error</h1>
<p>The AsyncAPI documentation cannot be shown:</p>
<pre>{}</pre>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. Where it has an ``etag`` (quoted), a client that has the same already may get 304 instead."""

    status: int
    content_type: str
    body: bytes
    etag: str = ""

    def unless_known(self, if_none_match: str) -> Answer:
        """This answer, or 304 without a body if ``if_none_match`` has its tag by weak comparison (RFC 9110, 13.1.2)."""
        known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        return Answer(304, self.content_type, b"", self.etag) if self.etag and known & {self.etag, "*"} else self

    @property
    def headers(self) -> dict[str, str]:
        """Keep it, but ask each time whether it is still so: what it shows changes with the code."""
        tag = {"ETag": self.etag} if self.etag else {}
        return {**tag, "Cache-Control": "no-cache" if self.etag else "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Docs:
    """What of the documentation page is asked for, and how it is shown.

    ``docs_url``: the path that the request came to. ``asset``: a file of the page. ``text_format``: the document
    instead. ``react_component_url``: where ``@asyncapi/react-component`` is served from; None for chanx's own page.
    """

    docs_url: str
    asset: str | None = None
    text_format: str | None = None
    yaml_type: str = "application/yaml"
    react_component_url: str | None = None


def document_answer(make: MakeDocument, format_name: str | None, *, yaml_type: str, default: Format = "json") -> Answer:
    """The document as text; 400 for an unknown format or YAML without PyYAML, 500 if it cannot be made."""
    try:
        text_format = format_named(format_name or None, default=default)
    except ConfigurationError as error:
        return error_answer(400, error)
    try:
        document = make()
    except Exception as error:
        return _failed(error)
    try:
        return _tagged(JSON if text_format == "json" else yaml_type, document_text(document, text_format))
    except MissingExtraError as error:
        return error_answer(400, error)
    except ConfigurationError as error:
        return _failed(error)


def docs_answer(make: MakeDocument, docs: Docs, frame: Callable[[PageParts], str] = whole_page) -> Answer:
    """The page, which ``frame`` makes of its parts, or one of its files: 404 if there is none of that name.

    If it cannot be made, 500 and a page that says why.
    """
    if docs.asset:
        return _asset_answer(docs.asset, docs.docs_url)
    if docs.text_format:
        return document_answer(make, docs.text_format, yaml_type=docs.yaml_type)
    try:
        return _tagged(HTML, frame(_parts(make(), docs.react_component_url)))
    except Exception as error:
        logger.error("asyncapi_docs_failed", exc_info=error)
        return Answer(500, HTML, _ERROR_PAGE.format(escape(_text_of(error))).encode())


def error_answer(status: int, error: Exception) -> Answer:
    """``{"error": text}``."""
    return Answer(status, JSON, dumps({"error": _text_of(error)}).encode())


def _failed(error: Exception) -> Answer:
    logger.error("asyncapi_document_failed", exc_info=error)
    return error_answer(500, error)


def _text_of(error: Exception) -> str:
    return str(error) or type(error).__name__


def _asset_answer(name: str, docs_url: str) -> Answer:
    file = asset(name, docs_url=docs_url)
    if file is None:
        return Answer(404, TEXT, b"The documentation page has no such file.\n")
    return Answer(200, file.content_type, file.body, file.etag)


def _parts(document: Mapping[str, Any], react_component_url: str | None) -> PageParts:
    if react_component_url:
        return react_page_parts(document, react_component_url)
    return page_parts(document, json_url="?format=json", yaml_url="?format=yaml")


def _tagged(content_type: str, text: str) -> Answer:
    body = text.encode()
    return Answer(200, content_type, body, f'"{sha256(body).hexdigest()[:32]}"')
