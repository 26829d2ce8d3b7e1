"""The page as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

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
    parts = page_parts(document, docs_url=docs_url, json_url=json_url, yaml_url=yaml_url)
    html: str = _templates().get_template("page.html").render(parts=parts)
    return html


def page_parts(
    document: Mapping[str, Any], *, docs_url: str = "", json_url: str | None = None, yaml_url: str | None = None
) -> PageParts:
    """The parts of the page, for a template that has a frame of its own; parameters as in ``render_page``."""
    values = {"document": document, "docs_url": docs_url, "json_url": json_url, "yaml_url": yaml_url}
    templates = _templates()
    return PageParts(*(templates.get_template(f"{part}.html").render(values) for part in ("title", "head", "body")))


@lru_cache(maxsize=1)
def _templates() -> Any:
    jinja2 = need("jinja2", extra="core")
    return jinja2.Environment(
        loader=jinja2.PackageLoader("chanx.asyncapi.page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
