"""The tutorials, word for word: tutorials/django.md and tutorials/fastapi.md, with a browser at the end of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.acceptance.browser import LAUNCH_OPTIONS, SECONDS
from tests.docs.checkers import commands
from tests.docs.tutorial import Reader, blocks_of_page, reader
from tests.requirements import require

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=LAUNCH_OPTIONS)
        yield browser
        browser.close()


def page_of(context: BrowserContext, complaints: list[str]) -> Page:
    """A page whose scripts may not fail."""
    context.set_default_timeout(90 * SECONDS)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    return context.new_page()


def expect_state(page: Page, state: str) -> None:
    expect(page.locator("chanx-job section")).to_have_attribute("data-state", state, timeout=90 * SECONDS)


def expect_running(page: Page, least: int) -> None:
    """The bar shows at least so many per cent."""
    page.wait_for_function(
        "least => (document.querySelector('chanx-job')?.shadowRoot?.querySelector('[role=progressbar]')"
        "?.getAttribute('aria-valuenow') ?? -1) >= least",
        arg=least,
        timeout=90 * SECONDS,
    )


def log_lines(page: Page) -> list[str]:
    return [line.strip() for line in page.locator("chanx-job li .text").all_inner_texts()]


def expect_whole_report(page: Page) -> None:
    expect_state(page, "succeeded")
    assert log_lines(page) == [f"{row} rows are in the report" for row in range(50, 501, 50)]


def lose_what_can_be_lost(page: Page, one: Reader, site: str) -> None:
    """Given a report at work, when the page is reloaded and the site restarted, then the page has everything once."""
    expect_running(page, 10)
    page.reload()
    expect_running(page, 20)
    one.terminals[site].stop()
    expect(page.locator("chanx-job .connection")).to_contain_text("Reconnecting")
    one.terminals[site].start()
    expect_whole_report(page)


def cancel(page: Page) -> None:
    expect_running(page, 1)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Stop it").click()
    expect_state(page, "cancelled")


def expect_bad_rows(page: Page) -> None:
    rows = page.locator("#bad-rows li")
    expect(page.locator("#outcome")).to_have_text("The report has 500 rows.", timeout=90 * SECONDS)
    expect(rows).to_have_text([f"Row {row}: It has no date" for row in range(90, 501, 90)])


def test_the_django_tutorial(tmp_path: Path, browser: Browser) -> None:
    blocks = blocks_of_page("tutorials/django.md")
    first_part = 1 + next(at for at, block in enumerate(blocks) if "runserver" in block.code)
    complaints: list[str] = []
    with reader(tmp_path) as one, browser.new_context() as context:
        # Given the site of the first six chapters
        one.follow(blocks[:first_part])
        page = page_of(context, complaints)
        page.goto(one.url)
        sign_in(page, "ada")

        # When a report is built, then everything of the list at their end is true
        build_report(page)
        lose_what_can_be_lost(page, one, "python")
        build_report(page)
        cancel(page)
        build_report(page)
        expect_running(page, 1)
        one.terminals["celery"].kill()
        expect_state(page, "failed")

        # Given the seventh chapter, and the worker started again
        one.follow(blocks[first_part:])
        one.terminals["celery"].start()
        # When another report is built, then the page lists the bad rows, also after a reload
        build_report(page)
        expect_bad_rows(page)
        page.reload()
        expect_bad_rows(page)
        # And for somebody else there is no such job
        (as_ada,) = [line for block in blocks for line in commands(block.code) if "createsuperuser" in line]
        one.run(as_ada.replace("ada", "grace"))
        with browser.new_context() as private:
            other = private.new_page()
            other.goto(page.url)
            sign_in(other, "grace")
            expect_state(other, "refused")
    assert complaints == []


def sign_in(page: Page, name: str) -> None:
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Log in").click()


def build_report(page: Page) -> None:
    if "jobs" in page.url:
        page.get_by_role("link", name="Another one").click()
    page.get_by_role("button", name="Build the report").click()
    page.wait_for_url(re.compile(r"/jobs/[^/]+/$"))


def test_the_fastapi_tutorial(tmp_path: Path, browser: Browser) -> None:
    complaints: list[str] = []
    with reader(tmp_path) as one, browser.new_context() as context:
        # Given the site
        one.follow(blocks_of_page("tutorials/fastapi.md"))
        page = page_of(context, complaints)
        page.goto(one.url)

        # When a report is built, then everything of the list at the end is true
        start = page.get_by_role("button", name="Build the report")
        start.click()
        lose_what_can_be_lost(page, one, "uvicorn")
        expect_bad_rows(page)
        with browser.new_context() as private:
            other = private.new_page()
            other.goto(page.url)
            expect_state(other, "refused")
            private.clear_cookies()
            other.get_by_role("button", name="Build the report").click()
            expect(other.locator("#outcome")).to_have_text("No report was started: the site answered 403")
        before = page.url
        start.click()
        page.wait_for_url(lambda url: url != before)
        cancel(page)
        start.click()
        expect_state(page, "started")
        one.terminals["celery"].kill()
        expect_state(page, "failed")
    assert complaints == []
