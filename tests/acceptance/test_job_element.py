"""A page without any code of its own: `<chanx-job>` shows a job in a real browser, under a strict policy."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.acceptance.broken_task import SECRET
from tests.acceptance.browser import SECONDS, run_command, screenshot, upload
from tests.acceptance.stack import Stack

pytestmark = pytest.mark.timeout(400)

TIME = "2026-01-01T00:00:00Z"


def open_element(page: Page, job_id: str) -> None:
    page.goto(f"/jobs/{job_id}/element/")


def expect_element_state(page: Page, state: str, *, seconds: float = 120) -> None:
    expect(page.locator("chanx-job section")).to_have_attribute("data-state", state, timeout=seconds * SECONDS)


def log_lines(page: Page) -> list[str]:
    return [line.strip() for line in page.locator("chanx-job li .text").all_inner_texts()]


def test_it_follows_a_job_through_a_reload_to_its_end(ada: Page, large_csv: Path) -> None:
    """Given a job at work, when its page is opened and reloaded, then the bar goes on where it was, up to the end."""
    open_element(ada, upload(ada, large_csv))
    bar = ada.get_by_role("progressbar", name="Progress")
    expect(bar).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]\d?$"))
    before = int(bar.get_attribute("aria-valuenow") or 0)
    screenshot(ada, "element-running")

    ada.reload()

    expect(bar).to_have_attribute("aria-valuenow", re.compile(r"^\d+$"))
    assert int(bar.get_attribute("aria-valuenow") or 0) >= before
    expect_element_state(ada, "succeeded")
    expect(bar).to_have_attribute("aria-valuenow", "100")
    expect(ada.locator("chanx-job .title")).to_have_text("orders.csv")
    expect(ada.locator("chanx-job [role=status]")).to_have_text("orders.csv: Finished")
    expect(ada.get_by_role("button", name="Cancel")).to_be_hidden()
    screenshot(ada, "element-finished")


def test_it_shows_the_output_once_and_in_order(stack: Stack, ada: Page) -> None:
    """Given a command that prints, when the page is reloaded and the site restarted in the middle, then every line is
    there once."""
    open_element(ada, run_command(ada, "Count to thirty"))
    expect(ada.locator("chanx-job")).to_contain_text("5 of 30")
    ada.reload()
    expect(ada.locator("chanx-job")).to_contain_text("9 of 30")
    stack.site.stop()
    expect(ada.locator("chanx-job .connection")).to_contain_text("Reconnecting")
    screenshot(ada, "element-reconnecting")
    stack.start_site()

    expect_element_state(ada, "succeeded")
    expect(ada.locator("chanx-job .connection")).to_be_hidden()
    assert log_lines(ada)[1:] == [f"{number} of 30" for number in range(1, 31)]


def test_it_says_that_the_start_of_the_log_is_gone_only_where_it_is(ada: Page) -> None:
    """Given a log that begins anew, when all of it is there, or its start is not, then only the latter is said."""
    snapshot = {
        "job_id": "j",
        "owner": "user:1",
        "name": "shop.tasks.work",
        "meta": {},
        "created_at": TIME,
        "state": "started",
        "attempt": 1,
        "cancel_requested": False,
        "cancel_reason": None,
        "rev": 0,
        "fields": {},
    }
    sockets: list[WebSocketRoute] = []

    def tell(epoch: str, seq: int, *, oldest: int, ref: str | None = None) -> None:
        now = {"epoch": epoch, "seq": seq, "snapshot": {**snapshot, "epoch": epoch, "seq": seq, "oldest": oldest}}
        envelope = {"version": 1, "topic": "job:j"}
        answer = {**envelope, "ref": ref, "action": "subscribed", "payload": {**now, "recovered": False}}
        line = {"level": "info", "message": f"{seq} of {epoch}"}
        event = {**envelope, "seq": seq, "action": "job_log", "payload": line, "time": TIME}
        for frame in (answer, event):
            sockets[-1].send(json.dumps(frame))

    def serve(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.on_message(lambda text: tell("a", 1, oldest=1, ref=json.loads(text)["ref"]))

    ada.route_web_socket(re.compile("/ws/"), serve)
    open_element(ada, "j")
    expect(ada.locator("chanx-job li")).to_have_text([re.compile("1 of a")])

    tell("b", 1, oldest=1)
    expect(ada.locator("chanx-job li")).to_have_text([re.compile("1 of b")])

    tell("c", 3, oldest=3)
    expect(ada.locator("chanx-job li")).to_have_text([re.compile("not kept any more"), re.compile("3 of c")])


def test_without_a_job_it_shows_nothing(ada: Page) -> None:
    """Given an element, when its job is taken away, or none is there yet, then it shows nothing, unconnected."""
    sockets: list[WebSocketRoute] = []
    ada.route_web_socket(re.compile("/ws/"), lambda socket: sockets.append(socket))
    open_element(ada, "j")
    element, shown = ada.locator("chanx-job"), ada.locator("chanx-job section")
    expect(shown).to_be_visible()

    element.evaluate("element => element.removeAttribute('job')")
    expect(shown).to_be_hidden()

    element.evaluate("element => { const empty = element.cloneNode(); element.replaceWith(empty); }")
    expect(shown).to_be_attached()
    expect(shown).to_be_hidden()
    assert len(sockets) == 1

    element.evaluate("element => element.setAttribute('job', 'j')")
    expect(shown).to_be_visible()


def test_it_asks_before_it_cancels(ada: Page) -> None:
    """Given a running job, when it is to be cancelled by keyboard, then the element asks first, and can be told no."""
    open_element(ada, run_command(ada, "Run for five minutes"))
    cancel = ada.get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible()
    cancel.press("Enter")
    expect(ada.get_by_role("button", name="Stop it")).to_be_focused()
    screenshot(ada, "element-confirm")
    ada.keyboard.press("Escape")
    expect(cancel).to_be_focused()
    expect_element_state(ada, "started")

    cancel.press("Enter")
    ada.keyboard.press("Enter")

    expect_element_state(ada, "cancelled")
    expect(cancel).to_be_hidden()
    screenshot(ada, "element-cancelled")


def test_it_says_what_went_wrong_and_no_more(stack: Stack, ada: Page) -> None:
    """Given a task that raises, when its element is opened, then it shows a safe text and where to find the rest."""
    open_element(ada, stack.start_broken_job("user:1"))

    expect_element_state(ada, "failed")
    expect(ada.get_by_role("alert")).to_contain_text("Reference:")
    expect(ada.locator("chanx-job")).to_contain_text("Everything is fine so far")
    shown = ada.locator("chanx-job section").inner_html()
    for text in (SECRET, "RuntimeError", "Traceback"):
        assert text not in shown
    screenshot(ada, "element-failed")


def test_somebody_else_sees_nothing(ada: Page, grace: Page) -> None:
    """Given ada's job, when grace's page asks for it, then it is refused as one that does not exist."""
    job_id = run_command(ada, "Run for five minutes")
    shown: list[str] = []
    for wanted in (job_id, "there-is-no-such-job-0"):
        open_element(grace, wanted)
        expect_element_state(grace, "refused")
        expect(grace.get_by_role("alert")).to_contain_text("There is no such job")
        shown.append(grace.locator("chanx-job section").inner_html())
    assert shown[0] == shown[1]
    screenshot(grace, "element-refused")
    ada.get_by_role("button", name="Cancel").click()


def test_a_token_lets_somebody_else_watch_but_not_cancel(stack: Stack, ada: Page, grace: Page) -> None:
    """Given ada's job and a token to watch it, when grace's element has the token, then she sees it, and no more."""
    job_id = run_command(ada, "Run for five minutes")
    code = "from example_worker.app import app; from chanx.bridge import bridge_of; print(bridge_of(app).token('{}'))"
    token = stack.run("-c", code.format(job_id)).strip()
    open_element(grace, job_id)
    expect_element_state(grace, "refused")

    grace.evaluate("token => document.querySelector('chanx-job').setAttribute('token', token)", token)

    expect_element_state(grace, "started")
    expect(grace.locator("chanx-job")).to_contain_text("s have passed")
    expect(grace.get_by_role("button", name="Cancel")).to_be_hidden()
    ada.get_by_role("button", name="Cancel").click()
    expect_element_state(grace, "cancelled")


def test_events_and_attributes_are_the_pages(ada: Page) -> None:
    """Given a page that listens, when the element shows another job, then it tells of its end, and why."""
    first = run_command(ada, "Count to thirty")
    second = run_command(ada, "Fail with exit code 3")
    open_element(ada, first)
    ada.evaluate("addEventListener('chanx-end', ({ detail }) => { globalThis.ended = detail; })")
    ada.evaluate(
        "job => Object.entries({ job, label: 'Mine', 'no-cancel': '' }).forEach(([name, value]) =>"
        " document.querySelector('chanx-job').setAttribute(name, value))",
        second,
    )
    expect_element_state(ada, "failed")
    expect(ada.locator("chanx-job .title")).to_have_text("Mine")
    expect(ada.get_by_role("alert")).to_contain_text("exit code 3")
    assert log_lines(ada)[1:] == ["Checking the parts", "Part 2 is broken"]
    ended = ada.evaluate("ended")
    assert (ended["state"], ended["error"]["message"]) == ("failed", ada.locator("chanx-job .error-text").inner_text())
    ada.evaluate("document.querySelector('chanx-job').remove()")
