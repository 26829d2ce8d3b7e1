"""The main job, end to end: a task in a worker streams to a browser, complete, in order, and to its owner only."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.acceptance.broken_task import SECRET
from tests.acceptance.browser import (
    assert_complete,
    everything_shown,
    expect_events,
    expect_state,
    expect_up_to_date,
    run_command,
    screenshot,
    seen,
    upload,
)
from tests.acceptance.stack import MAX_UPLOAD_MB, Stack

pytestmark = pytest.mark.timeout(400)


def test_an_upload_is_watched_to_its_end(ada: Page, large_csv: Path) -> None:
    """Given 200,000 rows, when they are uploaded, then the page follows the job and ends with the right figures."""
    upload(ada, large_csv)
    expect_state(ada, "started")
    expect(ada.locator("[data-connection]")).to_have_text("Live")
    expect(ada.get_by_role("progressbar")).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]\d?$"))
    expect(ada.locator("[data-part=columns-body] tr")).to_have_count(18)
    screenshot(ada, "running")

    expect_state(ada, "succeeded")
    expect_up_to_date(ada)

    expect(ada.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    expect(ada.locator("[data-part=percent]")).to_have_text("100%")
    expect(ada.locator("[data-part=columns-total]")).to_have_text("200,000 rows")
    expect(ada.locator("[data-part=outcome-figures]")).to_contain_text("200,000")
    expect(ada.locator("[data-part=bad-rows-total]")).to_have_text("20")
    expect(ada.locator("[data-part=bad-rows] li").first).to_contain_text("Line 10,002")
    table = [row.split("\t") for row in ada.locator("[data-part=columns-body] tr").all_inner_texts()]
    columns = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in table}
    assert columns["order_id"][:7] == ["integer", "200,000", "0", "many", "1", "200,000", "100,001"]
    assert columns["customer"][:4] == ["text", "200,000", "0", "500"]
    assert columns["country"][:4] == ["text", "200,000", "0", "4"]
    assert columns["ordered_at"][:3] == ["date", "200,000", "0"]
    assert columns["amount"][:6] == ["number", "200,000", "0", "many", "0.01", "2,000"]
    assert columns["note"][:4] == ["text", "50,000", "150,000", "1"]
    assert assert_complete(ada) > 30
    screenshot(ada, "finished")


def test_reload_and_second_tab_show_the_same(ada: Page, context_of_ada: BrowserContext, large_csv: Path) -> None:
    """Given a job at work, when the page is reloaded and opened again, then nothing is missing and nothing twice."""
    upload(ada, large_csv)
    expect_events(ada, 8)
    before = seen(ada)
    ada.reload()
    expect_events(ada, 1)
    expect_state(ada, "started")
    second_tab = context_of_ada.new_page()
    second_tab.goto(ada.url)
    expect_state(second_tab, "started")

    for page in (ada, second_tab):
        expect_state(page, "succeeded")
        expect_up_to_date(page)

    assert before == list(range(1, len(before) + 1))
    assert assert_complete(ada) == assert_complete(second_tab) > len(before)
    assert everything_shown(ada) == everything_shown(second_tab)
    # Once more, now that all of it comes from the log.
    second_tab.reload()
    expect_up_to_date(second_tab)
    assert assert_complete(second_tab) == assert_complete(ada)
    assert everything_shown(second_tab) == everything_shown(ada)


def test_a_restarted_site_loses_nothing(stack: Stack, ada: Page) -> None:
    """Given a page that watches, when the site is restarted, then the page comes back by itself and is complete."""
    run_command(ada, "Run for five minutes")
    expect_events(ada, 4)

    stack.site.stop()
    expect(ada.locator("[data-connection]")).to_have_text(re.compile("Reconnecting in"))
    screenshot(ada, "reconnecting")
    shown = seen(ada)
    stack.start_site()

    expect(ada.locator("[data-connection]")).to_have_text("Live", timeout=90_000)
    expect_events(ada, len(shown) + 2)
    ada.get_by_role("button", name="Cancel").click()
    expect_state(ada, "cancelled")
    expect_up_to_date(ada)
    assert seen(ada)[: len(shown)] == shown
    assert_complete(ada)
    lines = [line.strip() for line in ada.locator("[data-part=output] li").all_inner_texts()]
    assert lines == [f"{number} s have passed" for number in range(len(lines))]


def test_the_other_user_gets_not_found(stack: Stack, ada: Page, grace: Page) -> None:
    """Given ada's job, when grace asks for it by page and by socket, then for her there is no such job."""
    job_id = run_command(ada, "Run for five minutes")
    expect_events(ada, 3)

    response = grace.goto(f"/jobs/{job_id}/")
    assert response is not None
    assert response.status == 404
    expect(grace.get_by_role("heading", name="Not found")).to_be_visible()
    expect(grace.get_by_text("Run for five minutes")).to_have_count(0)
    screenshot(grace, "not-found")
    grace.goto("/")
    expect(grace.get_by_text("No jobs yet.")).to_be_visible()
    with _socket(stack, grace) as socket:
        for topic in (f"job:{job_id}", "job:there-is-no-such-job-0"):
            for action, reason in (("subscribe", "unauthorized"), ("cancel", "not_subscribed")):
                socket.send(json.dumps({"topic": topic, "ref": "1", "action": action, "payload": {}}))
                answer = json.loads(socket.recv(timeout=30))
                assert (answer["action"], answer["payload"]["reason"]) == ("error", reason)
                assert answer["payload"].keys() == {"reason", "detail"}

    expect_state(ada, "started")
    ada.get_by_role("button", name="Cancel").click()
    expect_state(ada, "cancelled")


def test_cancel_stops_the_task_at_once(ada: Page, large_csv: Path) -> None:
    """Given a job that would go on for seconds, when it is cancelled, then it is over before it is done."""
    upload(ada, large_csv)
    expect_events(ada, 5)

    ada.get_by_role("button", name="Cancel").click()
    expect_state(ada, "cancelled")
    expect_up_to_date(ada)
    expect(ada.get_by_role("button", name="Cancel")).to_be_hidden()
    expect(ada.locator("[data-part=log]")).to_contain_text("Cancel requested")
    expect(ada.locator("[data-part=percent]")).not_to_have_text("100%")
    assert_complete(ada)
    screenshot(ada, "cancelled")


def test_an_exception_shows_as_failed_with_a_safe_text(stack: Stack, ada: Page) -> None:
    """Given a task that raises, when its page is opened, then it says that it failed, and nothing of the exception."""
    ada_is_user_1 = "user:1"
    job_id = stack.start_broken_job(ada_is_user_1)

    ada.goto(f"/jobs/{job_id}/")
    expect_state(ada, "failed")
    expect_up_to_date(ada)

    expect(ada.get_by_role("heading", name="The job failed")).to_be_visible()
    expect(ada.locator("[data-part=log]")).to_contain_text("Everything is fine so far")
    expect(ada.locator("[data-part=outcome-message]")).not_to_be_empty()
    for text in (SECRET, "RuntimeError", "Traceback", "could not connect"):
        assert text not in ada.content()
    assert_complete(ada)
    screenshot(ada, "failed")


def test_an_error_for_the_user_shows_its_text(ada: Page) -> None:
    """Given a command that ends with an exit code, when it runs, then its output and the reason are shown."""
    run_command(ada, "Fail with exit code 3")

    expect_state(ada, "failed")
    expect_up_to_date(ada)
    expect(ada.locator("[data-part=outcome-message]")).to_contain_text("exit code 3")
    expect(ada.locator("[data-part=output]")).to_contain_text("Part 2 is broken")
    screenshot(ada, "command-failed")


def test_the_list_follows_the_jobs(ada: Page, context_of_ada: BrowserContext) -> None:
    """Given the list in a tab, when a job starts elsewhere and ends, then its row comes and shows it, all without a
    reload."""
    list_page = context_of_ada.new_page()
    list_page.goto("/")
    expect(list_page.locator("[data-connection]")).to_have_text("Live")
    job_id = run_command(ada, "Count to thirty")
    row = list_page.locator(f"[data-job='{job_id}']")
    expect(row.locator("[data-part=state]")).to_have_text(re.compile("Queued|Running"))
    expect(row).to_contain_text("Count to thirty")
    expect(list_page.locator("[data-job]").first).to_have_attribute("data-job", job_id)

    expect(row.locator("[data-part=state]")).to_have_text("Finished", timeout=90_000)
    screenshot(list_page, "home")
    row.get_by_role("link").click()
    expect(list_page.get_by_role("heading", level=1)).to_have_text("Count to thirty")


def test_signing_out_ends_what_is_open(ada: Page, context_of_ada: BrowserContext) -> None:
    """Given a job's page and the list in two tabs, when the user signs out in a third, then both say so at once."""
    run_command(ada, "Run for five minutes")
    expect_events(ada, 3)
    list_page, third = context_of_ada.new_page(), context_of_ada.new_page()
    for page in (list_page, third):
        page.goto("/")
    expect(list_page.locator("[data-connection]")).to_have_text("Live")

    third.get_by_role("button", name="Sign out").click()

    for page in (ada, list_page):
        expect(page.get_by_text("You are not signed in any more.")).to_be_visible()
        expect(page.get_by_role("link", name="Sign in again")).to_be_visible()


def test_data_is_never_markup(ada: Page, tmp_path: Path) -> None:
    """Given a file whose name and content are HTML, when it is uploaded, then the page shows it as plain text."""
    name = "<img src=x onerror=alert(1)>.csv"
    (tmp_path / name).write_text("<script>alert(1)</script>,b\n<b>bold</b>,1\n<i>,2,3\n", encoding="utf-8")

    upload(ada, tmp_path / name)
    expect_state(ada, "succeeded")
    expect_up_to_date(ada)

    expect(ada.get_by_role("heading", level=1)).to_have_text(name)
    expect(ada.get_by_role("rowheader").first).to_have_text("<script>alert(1)</script>")
    expect(ada.locator("[data-part=columns-body]")).to_contain_text("<b>bold</b>")
    expect(ada.locator("[data-part=bad-rows]")).to_contain_text("<i>,2,3")
    expect(ada.locator("article :is(img, script, b, i)")).to_have_count(0)
    response = ada.goto("/")
    assert response is not None
    assert response.headers["content-security-policy"].startswith("default-src 'self'")
    expect(ada.get_by_role("link", name=name)).to_be_visible()


def test_a_reader_who_scrolls_up_is_left_in_peace(ada: Page) -> None:
    """Given output that grows, when the reader scrolls up, then it stays there until the reader asks for the newest."""
    run_command(ada, "Count to thirty")
    output = ada.locator("[data-part=output]")
    expect(output).to_contain_text("25 of 30", timeout=60_000)
    to_end = "box => box.scrollHeight - box.scrollTop - box.clientHeight"
    assert output.evaluate(to_end) < 2
    output.evaluate("box => { box.scrollTop = 0 }")
    expect_state(ada, "succeeded")
    expect(output).to_contain_text("30 of 30")

    assert output.evaluate("box => box.scrollTop") == 0
    ada.get_by_role("button", name="Follow the newest").click()
    assert output.evaluate(to_end) < 2
    expect(ada.get_by_role("button", name="Follow the newest")).to_be_hidden()


def test_bad_uploads_are_refused_with_a_reason(stack: Stack, browser: Browser, ada: Page, tmp_path: Path) -> None:
    """Given no file, an empty one and one that is too large, when they are sent, with and without JavaScript, then no
    job starts and the form says why."""
    empty, large = tmp_path / "empty.csv", tmp_path / "large.csv"
    empty.write_bytes(b"")
    large.write_bytes(b"a,b\n" * ((MAX_UPLOAD_MB * 1024 * 1024) // 4 + 1))
    reasons = {None: "Choose a CSV file first.", empty: "That file is empty.", large: "That file is too large"}
    with browser.new_context(base_url=stack.url, java_script_enabled=False) as context:
        context.add_cookies(ada.context.cookies())  # type: ignore[arg-type] # what comes out may be put in
        plain = context.new_page()
        for page in (ada, plain):
            for file, reason in reasons.items():
                page.goto("/")
                if file is not None:
                    page.locator("input[type=file]").set_input_files(file)
                page.get_by_role("button", name="Upload and start").click()
                expect(page.locator("[data-upload]").get_by_role("alert")).to_contain_text(reason)
    screenshot(ada, "upload-refused")
    assert not [file for file in (stack.directory / "data" / "uploads").iterdir() if file.suffix != ".csv"]


def test_sockets_of_strangers_are_refused(stack: Stack, ada: Page) -> None:
    """Given ada's cookie, when another site's page uses it, or nobody is signed in, then there is no connection."""
    with pytest.raises(InvalidStatus) as refusal:
        _socket(stack, ada, origin="https://elsewhere.example")
    assert refusal.value.response.status_code == 403

    with connect(stack.websocket_url, origin=stack.url) as socket:
        with pytest.raises(ConnectionClosedError):
            socket.recv(timeout=30)
        assert socket.close_code == 4401


def _socket(stack: Stack, page: Page, *, origin: str | None = None) -> ClientConnection:
    """A socket with the cookies of the page's user."""
    cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in page.context.cookies())
    return connect(stack.websocket_url, origin=origin or stack.url, additional_headers={"Cookie": cookies})
