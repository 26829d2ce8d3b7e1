"""The documentation page of a document, and its console: rendered on the server, nothing from elsewhere or inline.

document ─> render_page() ─> HTML at the docs URL ─> ?asset=page.css, ?asset=console.js ─> asset()
"""

from chanx.asyncapi.page.assets import Asset as Asset
from chanx.asyncapi.page.assets import asset as asset
from chanx.asyncapi.page.rendering import PageParts as PageParts
from chanx.asyncapi.page.rendering import page_parts as page_parts
from chanx.asyncapi.page.rendering import render_page as render_page
from chanx.asyncapi.page.rendering import whole_page as whole_page
