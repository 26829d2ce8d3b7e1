"""The page on ``@asyncapi/react-component``, for projects that prefer it: from an address of theirs, or a CDN."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from chanx.asyncapi.page import PageParts
from chanx.asyncapi.page.rendering import json_in_html


def react_page_parts(document: Mapping[str, Any], component_url: str) -> PageParts:
    """The parts of a page on which the component renders the document into ``id="asyncapi"``.

    ``component_url``: where the files of the npm package are, such as
    ``https://unpkg.com/@asyncapi/react-component@3.2.1``. A content security policy has to allow it.
    """
    base = escape(component_url.rstrip("/"))
    data = json_in_html(document)
    return PageParts(
        title=escape(document["info"]["title"]),
        head=(
            '<link rel="icon" href="?asset=icon.svg" type="image/svg+xml">\n'
            f'<link rel="stylesheet" href="{base}/styles/default.min.css">\n'
            f'<script src="{base}/browser/standalone/index.js" defer></script>\n'
            '<script src="?asset=react_component.js" defer></script>'
        ),
        body=f'<div id="asyncapi"></div>\n<script type="application/json" id="asyncapi-document">{data}</script>',
    )
