"""The page's files: found by name alone, and importing each other wherever the page is served."""

import re
from importlib.resources import files
from urllib.parse import urljoin

import pytest

from chanx.asyncapi.page import asset

NAMES = sorted(file.name for file in (files("chanx.asyncapi.page") / "assets").iterdir())
MODULES = [name for name in NAMES if name.endswith(".js")]


def body(name: str, docs_url: str) -> str:
    found = asset(name, docs_url=docs_url)
    assert found is not None
    return found.body.decode()


@pytest.mark.parametrize("docs_url", ["/asyncapi/docs/", "/docs", "/api/v1/my docs"])
def test_modules_find_each_other(docs_url: str) -> None:
    """Given a docs URL with or without a slash at its end, when a module imports another, then from that very URL."""
    at = docs_url.replace(" ", "%20")
    found = set()
    for name in MODULES:
        for specifier in re.findall(r'from "([^"]+)"', body(name, docs_url)):
            url, _, other = urljoin(f"{at}?asset={name}", specifier).partition("?asset=")
            assert url == at
            assert other in MODULES
            found.add(other)
    assert found == set(MODULES) - {"page.js", "react_component.js"}  # what the pages themselves load


def test_content_types_and_tags() -> None:
    """Given the files, when they are served, then with their type, and a tag of their own that stays the same."""
    served = [asset(name, docs_url="/docs/") for name in NAMES]
    assert {found.content_type for found in served if found} == {
        "text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml",
    }  # fmt: skip
    tags = [found.etag for found in served if found]
    assert len(set(tags)) == len(NAMES)
    assert all(re.fullmatch(r'"\w+"', tag) for tag in tags)
    assert [asset(name, docs_url="/docs/") for name in NAMES] == served


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../rendering.py", "page.css/", "PAGE.CSS", "templates", "x.js", "/etc/passwd"]
)
def test_other_names_are_not_found(name: str) -> None:
    assert asset(name, docs_url="/docs/") is None


@pytest.mark.parametrize("name", NAMES)
def test_nothing_from_elsewhere_and_no_html_from_data(name: str) -> None:
    """Given the files, when they are read, then they load nothing from another host and write no HTML."""
    text = body(name, "/docs/")
    hosts = set(re.findall(r"https?://([\w.]+)", text)) - {"www.w3.org"}
    assert hosts == set()
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|@import|url\(", text)
        == []
    )
