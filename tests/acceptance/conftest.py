"""The stack and the browser, started once for the tests of a file; two people who are signed in, for each of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.acceptance.browser import LAUNCH_OPTIONS, SECONDS, sign_in, write_csv
from tests.acceptance.stack import Stack, running_stack
from tests.requirements import require

ROWS = 200_000

expect.set_options(timeout=60 * SECONDS)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=LAUNCH_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def large_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200,000 good rows, which keep a worker busy for some seconds, and 20 bad ones."""
    path = tmp_path_factory.mktemp("csv") / "orders.csv"
    write_csv(path, ROWS, bad_every=10_000, more_columns=12)
    return path


@pytest.fixture
def context_of_ada(browser: Browser, stack: Stack) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=stack.url, viewport={"width": 1280, "height": 900}) as context:
        yield context


@pytest.fixture
def ada(context_of_ada: BrowserContext) -> Iterator[Page]:
    """Her page; whatever the test does, no script of the site may fail or break its content security policy."""
    complaints: list[str] = []
    context_of_ada.on("weberror", lambda error: complaints.append(str(error.error)))
    context_of_ada.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
    yield sign_in(context_of_ada, "ada")
    assert complaints == []


@pytest.fixture
def grace(browser: Browser, stack: Stack) -> Iterator[Page]:
    with browser.new_context(base_url=stack.url) as context:
        yield sign_in(context, "grace")
