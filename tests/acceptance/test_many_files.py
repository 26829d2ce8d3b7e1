"""Many files as one job, end to end: a chord in two workers' processes shows as one job with one bar."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.browser import (
    assert_complete,
    everything_shown,
    expect_events,
    expect_state,
    expect_up_to_date,
    screenshot,
    seen,
    upload,
    write_csv,
)
from tests.acceptance.stack import MAX_UPLOAD_MB, Stack

pytestmark = pytest.mark.timeout(400)

FILES = 60
ROWS = 3_000
NOTHING = "\u2013"

# Writes down every position of the bar that the page shows.
_WATCH_BAR = """
globalThis.positions = [];
const bar = document.querySelector("[role=progressbar]");
const note = () => positions.push(Number(bar.getAttribute("aria-valuenow")));
new MutationObserver(note).observe(bar, { attributeFilter: ["aria-valuenow"] });
"""


@pytest.fixture(scope="module")
def many_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Enough to keep two processes busy for some seconds; each has two bad rows, the last one is empty."""
    directory = tmp_path_factory.mktemp("many")
    files = [directory / f"orders-{number:02}.csv" for number in range(1, FILES + 1)]
    write_csv(files[0], ROWS, bad_every=1_500, more_columns=12)
    for file in files[1:-1]:
        file.write_bytes(files[0].read_bytes())
    files[-1].write_bytes(b"")
    return files


def rows_of_files(page: Page) -> Locator:
    return page.locator("[data-part=files-body] tr")


def send_without_script(page: Page) -> None:
    """Sends the upload form past the checks of the page's script, as a browser without JavaScript does."""
    with page.expect_navigation():
        page.evaluate("document.querySelector('[data-upload]').submit()")


def test_many_files_are_one_job_with_one_bar(ada: Page, many_files: list[Path]) -> None:
    """Given 60 files, when they are uploaded together and the page is reloaded in the middle, then it is one job: its
    bar only ever grows, to the end, and every file is there once."""
    upload(ada, many_files)
    expect(ada.get_by_role("heading", level=1)).to_have_text("60 CSV files")
    expect(ada.get_by_role("progressbar")).to_have_count(1)
    ada.evaluate(_WATCH_BAR)
    expect(rows_of_files(ada).nth(9)).to_be_visible(timeout=90_000)
    expect(ada.locator("[data-part=done]")).to_have_text(re.compile(r"^\d+ of 61 tasks$"))
    expect(ada.locator("[data-part=tasks]")).to_have_text(re.compile(r"^[12] running$"))
    screenshot(ada, "files-running")
    before = seen(ada)
    positions: list[int] = ada.evaluate("positions")

    ada.reload()
    ada.evaluate(_WATCH_BAR)
    expect_events(ada, len(before))
    expect_state(ada, "started")
    expect_state(ada, "succeeded")
    expect_up_to_date(ada)

    positions += ada.evaluate("positions")
    assert positions == sorted(positions)
    assert len(set(positions)) > 10
    expect(ada.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    expect(ada.locator("[data-part=done]")).to_have_text("61 of 61 tasks")
    assert assert_complete(ada) > len(before)
    table = [[cell.strip() for cell in row.split("\t")] for row in rows_of_files(ada).all_inner_texts()]
    assert sorted(row[0] for row in table) == [file.name for file in many_files]
    assert {tuple(row[1:]) for row in table} == {
        ("3,000", "2", "282 KB", "18", "13 integer, 3 text, 1 date, 1 number"),
        (*4 * (NOTHING,), "The file is empty."),
    }
    figures = ada.locator("[data-part=outcome-figures]").inner_text().split("\n")
    values = dict(zip(figures[::2], figures[1::2], strict=True))
    assert {name.lower(): value for name, value in values.items()} == {
        "files": "60", "unreadable files": "1", "rows": "177,000", "bad rows": "118",
    }  # fmt: skip
    screenshot(ada, "files-finished")
    # Once more, now that all of it comes from the log.
    shown_before = everything_shown(ada)
    ada.reload()
    expect_up_to_date(ada)
    assert_complete(ada)
    assert everything_shown(ada) == shown_before


def test_cancelling_stops_all_of_its_tasks(ada: Page, many_files: list[Path]) -> None:
    """Given a job of 61 tasks, when it is cancelled, then none of them goes on, and the list says so too."""
    job_id = upload(ada, many_files)
    expect(rows_of_files(ada).nth(4)).to_be_visible(timeout=90_000)

    ada.get_by_role("button", name="Cancel").click()
    expect_state(ada, "cancelled")
    expect_up_to_date(ada)

    assert_complete(ada)
    assert 5 <= rows_of_files(ada).count() < FILES
    expect(ada.locator("[data-part=percent]")).not_to_have_text("100%")
    expect(ada.locator("[data-part=tasks]")).to_be_hidden()
    expect(ada.locator("[data-part=outcome]")).to_be_hidden()
    screenshot(ada, "files-cancelled")
    ada.goto("/")
    row = ada.locator(f"[data-job='{job_id}']")
    expect(row).to_contain_text("60 CSV files")
    expect(row.locator("[data-part=state]")).to_have_text("Cancelled")
    # And the worker is free: the next job runs at once.
    upload(ada, many_files[:2])
    expect_state(ada, "succeeded")


def test_too_many_files_are_refused_with_a_reason(ada: Page, many_files: list[Path]) -> None:
    """Given 101 files, when they are chosen or sent all the same, then no job starts and the form says why."""
    ada.goto("/")
    field = ada.locator("input[type=file]")
    field.set_input_files([many_files[-1]] * 101)
    alert = ada.locator("[data-upload]").get_by_role("alert")
    expect(alert).to_have_text("Those are too many files: the limit is 100.")
    send_without_script(ada)
    expect(alert).to_have_text("Those are too many files: the limit is 100.")
    expect(ada.locator("[data-part=file-name]")).to_have_text("Drop files here, or choose them")


def test_files_that_are_too_large_together_are_refused(stack: Stack, ada: Page, tmp_path: Path) -> None:
    """Given two files that are within the limit one by one, when they are chosen or sent all the same, then no job
    starts, the form says why, and nothing of them is kept."""
    files = [tmp_path / "one.csv", tmp_path / "two.csv"]
    for file in files:
        file.write_bytes(b"a,b\n" * (MAX_UPLOAD_MB * 1024 * 1024 * 3 // 5 // 4))
    uploads = stack.directory / "data" / "uploads"
    before = set(uploads.iterdir())
    reason = f"Those files are too large: the limit for all of them is {MAX_UPLOAD_MB} MB."
    ada.goto("/")
    ada.locator("input[type=file]").set_input_files(files)
    expect(ada.locator("[data-upload]").get_by_role("alert")).to_have_text(reason)
    send_without_script(ada)
    expect(ada.locator("[data-part=file-name]")).to_have_text("Drop files here, or choose them")
    expect(ada.locator("[data-upload]").get_by_role("alert")).to_have_text(reason)
    assert set(uploads.iterdir()) == before


def test_the_wrong_password_is_typed_again_at_once(ada: Page) -> None:
    """Given a wrong password, when the page comes back, then the next key goes into the password's field."""
    ada.context.clear_cookies()
    ada.goto("/")
    ada.get_by_label("User name").fill("ada")
    ada.get_by_label("Password").fill("wrong")
    ada.get_by_role("button", name="Sign in").click()
    expect(ada.get_by_role("alert")).to_be_visible()
    expect(ada.get_by_label("Password")).to_be_focused()
    expect(ada.get_by_label("User name")).to_have_value("ada")
