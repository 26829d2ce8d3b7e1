"""The pictures of the example site are those that the acceptance tests make, and each is shown."""

from __future__ import annotations

import re

from tests.acceptance.browser import DOCUMENTATION, DOCUMENTED
from tests.docs.pages import DOCS, pages

_PNG = b"\x89PNG\r\n\x1a\n"
_MAX_BYTES = 120_000
_AGAIN = "CHANX_DOCS_SCREENSHOTS=1 python -m pytest tests/acceptance makes them"


def test_every_screenshot_is_there_and_shown() -> None:
    made = {f"{name}-{scheme}.png" for name in DOCUMENTED for scheme in ("light", "dark")}
    shown = {name for page in pages() for name in re.findall(r"screenshots/(\S+\.png)", (DOCS / page).read_text())}

    assert {file.name for file in DOCUMENTATION.iterdir()} == made == shown, _AGAIN


def test_they_are_small_pictures() -> None:
    for file in DOCUMENTATION.iterdir():
        content = file.read_bytes()
        assert content.startswith(_PNG), file
        assert len(content) < _MAX_BYTES, file
