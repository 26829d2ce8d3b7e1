"""The documentation pages of a FastAPI application in a real browser, served by uvicorn, under a strict policy."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.stack import Program


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the application is."""
    log: Path = tmp_path_factory.mktemp("uvicorn") / "log"
    command = [sys.executable, "-m", "uvicorn", "tests.acceptance.docs_app:app", "--port", "0", "--lifespan", "off"]
    server = Program(command, r"running on (http://127\.0\.0\.1:\d+)", dict(os.environ), log)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """A page that complains of nothing and asks nobody else."""
    complaints: list[str] = []
    with browser.new_context(base_url=url) as context:
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(url) else complaints.append(asked.url))
        yield page
    assert complaints == []


def test_a_message_is_sent_through_the_page(page: Page) -> None:
    """
    Given: the page of an application that is mounted below a prefix, with a parameter in its address
    When: a developer connects to a room and sends a message from the form
    Then: the typed answer is there
    """
    page.goto("/chat/asyncapi")
    page.locator("#operation-ping").get_by_role("button", name="Try it").click()
    console = page.get_by_role("complementary", name="Console")
    console.get_by_label("room_name").fill("lobby")
    console.get_by_role("button", name="Connect", exact=True).click()
    expect(console.locator(".state")).to_have_text("Connected")
    console.get_by_role("button", name="Send", exact=True).click()
    expect(console.locator(".entry[data-name='PongMessage']")).to_have_attribute("data-kind", "typed")


def test_the_page_on_the_react_component(page: Page) -> None:
    """
    Given: an application whose page is to be on the component, from an address of its own
    When: it is opened
    Then: the component gets the document and the place to show it in
    """
    page.goto("/react-docs")
    expect(page).to_have_title("Whole")
    expect(page.locator("#asyncapi")).to_contain_text("Whole: chat, chat_news")
