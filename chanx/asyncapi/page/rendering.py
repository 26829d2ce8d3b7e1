"""The page as HTML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from chanx.asyncapi.page.outline import outline_of, schema_anchor
from chanx.asyncapi.page.text import blocks
from chanx.asyncapi.page.topic_frames import in_frame
from chanx.utils.extras import need


@dataclass(frozen=True, slots=True)
class PageParts:
    """HTML to put into a page of one's own: ``title`` (escaped text), ``head`` (style and script), ``body``."""

    title: str
    head: str
    body: str


def render_page(
    document: Mapping[str, Any], *, docs_url: str = "", json_url: str | None = None, yaml_url: str | None = None
) -> str:
    """The whole page of a document, as ``AsyncAPIGenerator.generate()`` returns it.

    ``docs_url``: where the page is served, with ``asset()`` behind ``?asset=``; empty: wherever it is. ``json_url``,
    ``yaml_url``: where the document itself is, for links. Works under a policy that allows ``'self'`` alone.
    """
    return whole_page(page_parts(document, docs_url=docs_url, json_url=json_url, yaml_url=yaml_url))


def whole_page(parts: PageParts) -> str:
    """The parts in a plain page."""
    title, head, body = _markup(parts.title), _markup(parts.head), _markup(parts.body)
    html: str = _templates().get_template("page.html").render(title=title, head=head, body=body)
    return html


def page_parts(
    document: Mapping[str, Any], *, docs_url: str = "", json_url: str | None = None, yaml_url: str | None = None
) -> PageParts:
    """The parts of the page, for a template that has a frame of its own; parameters as in ``render_page``."""
    templates = _templates()
    values = {"outline": outline_of(document), "docs_url": docs_url, "json_url": json_url, "yaml_url": yaml_url}
    values["data"] = _markup(json_in_html(document))
    title, head, body = (
        str(templates.get_template(f"{part}.html").render(values)) for part in ("title", "head", "body")
    )
    return PageParts(title=title, head=head, body=body)


def json_in_html(value: Any) -> str:
    """JSON that can stand in a ``<script>``: what would end it is escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _schema_href(name: str) -> str:
    return schema_anchor(name).href


def _markup(html: str) -> Any:
    return need("markupsafe", extra="core").Markup(html)


@lru_cache(maxsize=1)
def _templates() -> Any:
    jinja2 = need("jinja2", extra="core")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("chanx.asyncapi.page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(pretty=_pretty, text_blocks=blocks, in_frame=in_frame, schema_href=_schema_href)
    return environment
