"""What a person does on the site, as functions on a page, and what a page saw of a job."""

import csv
import os
import re
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

LAUNCH_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENSHOTS = Path(__file__).parent / "screenshots"
SECONDS = 1000.0

DOCUMENTED = frozenset({"element-running", "files-running", "finished", "reconnecting", "running"})
"""The screenshots that the documentation shows, a desktop's; with CHANX_DOCS_SCREENSHOTS=1 they are made anew."""
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "_static" / "screenshots"

# Writes down the number of every event that the page of a job handles, from its very first one.
_RECORDER = """
globalThis.seen = [];
addEventListener("job:event", ({ detail }) => seen.push(detail.seq));
"""


def sign_in(context: BrowserContext, name: str) -> Page:
    """A page of that user, on the list of jobs."""
    context.set_default_timeout(90 * SECONDS)
    context.add_init_script(_RECORDER)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Start a job")).to_be_visible()
    return page


def upload(page: Page, files: Path | Sequence[Path]) -> str:
    """Starts a job with one file or several; returns the job's id once its page is open."""
    page.goto("/")
    page.locator("input[type=file]").set_input_files(files)
    page.get_by_role("button", name="Upload and start").click()
    return _job_id(page)


def run_command(page: Page, title: str) -> str:
    """Starts a command; returns the job's id once its page is open."""
    page.goto("/")
    page.get_by_label(title).check()
    page.get_by_role("button", name="Run").click()
    return _job_id(page)


def _job_id(page: Page) -> str:
    page.wait_for_url(re.compile("/jobs/[^/]+/$"))
    return page.url.rstrip("/").rsplit("/", 1)[1]


def expect_state(page: Page, state: str, *, seconds: float = 120) -> None:
    """Waits until the page of a job shows that state ("started", "cancelling", "succeeded", …)."""
    expect(page.locator("article[data-job]")).to_have_attribute("data-state", state, timeout=seconds * SECONDS)


def expect_events(page: Page, least: int, *, seconds: float = 90) -> None:
    """Waits until the page has shown at least that many events."""
    page.wait_for_function(
        "least => Number(document.querySelector('article[data-job]').dataset.events) >= least",
        arg=least,
        timeout=seconds * SECONDS,
    )


def expect_up_to_date(page: Page) -> None:
    """Waits until the page has everything of a job that is over."""
    expect(page.locator("[data-connection]")).to_have_text("Up to date")


def seen(page: Page) -> list[int]:
    """The numbers of all events that the page handled since it was loaded, in the order it handled them."""
    numbers: list[int] = page.evaluate("seen")
    return numbers


def assert_complete(page: Page) -> int:
    """Nothing is missing, nothing came twice, nothing out of order; returns how many events there were."""
    numbers = seen(page)
    shown = page.locator("article[data-job]")
    assert numbers == list(range(1, len(numbers) + 1))
    expect(shown).to_have_attribute("data-events", str(len(numbers)))
    expect(shown).to_have_attribute("data-first", "1")
    expect(shown).to_have_attribute("data-seq", str(len(numbers)))
    return len(numbers)


def everything_shown(page: Page) -> dict[str, list[str]]:
    """The texts of the page of a job, part by part."""
    parts = ("log", "bad-rows", "columns-body", "files-body", "outcome", "progress")
    return {part: page.locator(f"[data-part={part}]").all_inner_texts() for part in parts}


def screenshot(page: Page, name: str, *, full_page: bool = True) -> None:
    """Only with CHANX_SCREENSHOTS or CHANX_DOCS_SCREENSHOTS: in both colour schemes, as wide as a desktop and a phone.

    They show the whole page, or what the window shows.
    """
    if not os.environ.keys() & {"CHANX_SCREENSHOTS", "CHANX_DOCS_SCREENSHOTS"}:
        return
    before = page.viewport_size
    for device, size in (("desktop", (1280, 900)), ("phone", (390, 844))):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=SCREENSHOTS / f"{name}-{device}-{scheme}.png", full_page=full_page)
            if device == "desktop" and name in DOCUMENTED and os.environ.get("CHANX_DOCS_SCREENSHOTS"):
                page.screenshot(
                    path=DOCUMENTATION / f"{name}-{scheme}.png",
                    clip={"x": 0, "y": 0, "width": size[0], "height": 640},  # the upper part tells it
                )
    if before is not None:
        page.set_viewport_size(before)


def write_csv(path: Path, rows: int, *, bad_every: int, more_columns: int) -> None:
    """A file with quotes, umlauts and empty values, and a row that is too short after every ``bad_every`` good ones.

    ``more_columns`` of numbers make it as much work as a test needs.
    """
    more = [f"value_{number}" for number in range(more_columns)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["order_id", "customer", "country", "ordered_at", "amount", "note", *more])
        for number in range(1, rows + 1):
            day = f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}"
            note = 'Größe "L", eilig' if number % 4 == 0 else ""
            figures = [number * factor % 997 for factor in range(2, more_columns + 2)]
            country = ("AT", "DE", "FR", "NG")[number % 4]
            writer.writerow([number, f"Kundin {number % 500}, Ada", country, day, number / 100, note, *figures])
            if number % bad_every == 0:
                writer.writerow([number, "too short"])
