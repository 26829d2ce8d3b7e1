"""The documentation page in a real browser, under the site's strict policy: the protocol to read and to try."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.browser import SECONDS, run_command, screenshot
from tests.acceptance.stack import Stack

LEFT = "net::ERR_ABORTED"  # what was still loading when the page was left

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def docs(stack: Stack, ada: Page) -> Iterator[Page]:
    """The page, opened by Ada; it complains of nothing, and asks nobody but the site."""
    complaints: list[str] = []
    elsewhere: list[str] = []
    ada.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    ada.on("requestfailed", lambda request: complaints.append(request.url) if request.failure != LEFT else None)
    ada.on("request", lambda request: None if request.url.startswith(stack.url) else elsewhere.append(request.url))
    ada.on("websocket", lambda socket: elsewhere.append(socket.url) if stack.port not in socket.url else None)
    ada.goto("/asyncapi/docs/")
    yield ada
    assert complaints == []
    assert elsewhere == []


def console(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Console")


def try_out(page: Page, operation: str) -> Locator:
    page.locator(f"#operation-{operation}").get_by_role("button", name="Try it").click()
    return console(page)


def connect(page: Page) -> None:
    console(page).get_by_role("button", name="Connect", exact=True).click()
    expect(console(page).locator(".state")).to_have_text("Connected")


def send(page: Page) -> None:
    console(page).get_by_role("button", name="Send", exact=True).click()


def frames(page: Page, name: str) -> Locator:
    return console(page).locator(f".entry[data-name='{name}']")


def test_a_message_is_sent_by_the_form(docs: Page) -> None:
    """Given the page, when a command is chosen in the form and sent, then its typed answer is in the log."""
    try_out(docs, "start_command")
    connect(docs)
    console(docs).get_by_label("command").select_option("count")
    send(docs)

    answer = frames(docs, "JobAccepted")
    expect(answer).to_have_attribute("data-kind", "typed")
    expect(answer.get_by_role("link", name="JobAccepted")).to_have_attribute("href", "#schema-JobAccepted")
    expect(answer.locator(".mark")).to_have_count(0)
    answer.locator("time").click()
    expect(answer.locator("pre")).to_contain_text('"topic": "job:')
    screenshot(docs, "docs-answered", full_page=False)

    console(docs).get_by_role("button", name="Disconnect").click()
    expect(console(docs).locator(".state")).to_contain_text("Closed: 1000")
    expect(console(docs).get_by_role("button", name="Send", exact=True)).to_be_disabled()


def test_a_job_is_watched_as_a_topic(docs: Page) -> None:
    """Given a job, when its topic is subscribed to in the console, then its events come with their types, until the
    topic is left."""
    job_id = run_command(docs, "Count to thirty")
    docs.goto("/asyncapi/docs/")
    try_out(docs, "subscribe")
    connect(docs)
    send(docs)
    expect(console(docs).get_by_text("Which topic? Fill in job_id.")).to_be_visible()
    console(docs).get_by_label(re.compile("job_id$")).fill(job_id)
    send(docs)

    answer = console(docs).locator(".entry.is-received").filter(has_text=f"job:{job_id}").first
    expect(answer.locator(".mark.is-good")).to_have_text(re.compile(r"answers #\d+"))
    expect(frames(docs, "JobOutput").first).to_be_attached()
    expect(frames(docs, "JobStarted").first).to_be_attached()
    expect(console(docs).locator(".mark.is-bad")).to_have_count(0)
    screenshot(docs, "docs-job", full_page=False)

    topics = console(docs).get_by_role("list", name="Open topics")
    expect(topics).to_contain_text(f"job:{job_id}")
    topics.get_by_role("button", name="Leave").click()
    expect(frames(docs, "unsubscribed")).to_have_attribute("data-kind", "system")
    expect(topics).to_be_hidden()


def test_mistakes_are_shown_and_may_be_sent(docs: Page) -> None:
    """Given a message that is not what its schema says, when it is sent all the same, then the page says so before,
    and the server's answer is in the log."""
    try_out(docs, "cancel")
    connect(docs)
    console(docs).get_by_text("As JSON", exact=True).click()
    whole = console(docs).get_by_label("The message as JSON")

    whole.fill('{"action": "start_command", ')
    expect(console(docs).get_by_text("This is no JSON")).to_be_visible()
    expect(whole).to_have_attribute("aria-invalid", "")

    console(docs).get_by_label("Which message to send").select_option("start_command")
    whole.fill('{"action": "start_command", "payload": {"command": "none"}}')
    expect(console(docs).locator(".field .problem:visible")).to_contain_text("must be one of")
    console(docs).get_by_role("button", name="Send anyway").click()
    error = frames(docs, "error")
    expect(error).to_have_attribute("data-kind", "system")
    screenshot(docs, "docs-mistake", full_page=False)

    console(docs).get_by_label("command").select_option("count")
    expect(whole).to_have_value(re.compile('"command": "count"'))
    expect(console(docs).locator(".field .problem:visible")).to_have_count(0)


def test_one_finds_ones_way(docs: Page) -> None:
    """Given the page, when it is filtered, and a link into it is opened, then what was looked for is shown."""
    docs.get_by_role("searchbox", name="Filter").fill("START_command")
    expect(docs.locator("[data-filter-state]")).to_have_text(re.compile(r"^1 of \d+ operations$"))
    expect(docs.locator("#operation-start_command")).to_be_visible()
    expect(docs.locator("#operation-cancel")).to_be_hidden()
    docs.get_by_role("searchbox", name="Filter").fill("")
    expect(docs.locator("#operation-cancel")).to_be_visible()

    docs.goto("/asyncapi/docs/#schema-JobSnapshot")
    docs.reload()
    snapshot = docs.locator("#schema-JobSnapshot")
    expect(snapshot).to_have_attribute("open", "")
    expect(snapshot.get_by_text("cancel_requested", exact=True)).to_be_in_viewport()
    screenshot(docs, "docs", full_page=False)


def test_it_works_by_keyboard(docs: Page) -> None:
    """Given the console, when it is opened and closed by keyboard, then the focus goes with it, and comes back."""
    button = docs.locator("#operation-start_command").get_by_role("button", name="Try it")
    button.press("Enter")
    expect(console(docs).get_by_role("heading", level=2)).to_be_focused()
    search = console(docs).get_by_role("searchbox")
    search.fill("word")
    search.press("Escape")
    expect(search).to_have_value("")
    expect(console(docs)).to_be_visible()
    docs.keyboard.press("Escape")
    expect(console(docs)).to_be_hidden()
    expect(button).to_be_focused()


def test_nobody_answers(docs: Page) -> None:
    """Given an address where nothing is, when it is connected to, then the page says what may be wrong."""
    try_out(docs, "start_command")
    console(docs).get_by_label("Server").fill("http://")
    console(docs).get_by_role("button", name="Connect", exact=True).click()
    expect(console(docs).locator(".state")).to_have_text("This is no address of a server")


def test_it_fits_a_phone(docs: Page) -> None:
    """Given a phone's width, when the page and its console are open, then nothing is wider than the screen."""
    docs.set_viewport_size({"width": 390, "height": 844})
    docs.reload()
    expect(docs.get_by_role("searchbox", name="Filter")).to_be_hidden()
    assert docs.evaluate("document.documentElement.scrollWidth") <= 390
    try_out(docs, "start_command")
    expect(console(docs)).to_be_in_viewport(ratio=0.9, timeout=5 * SECONDS)
    assert docs.evaluate("document.querySelector('.console-body').scrollWidth") <= 390

    connect(docs)
    send(docs)
    frames(docs, "JobAccepted").get_by_role("link").click()
    expect(console(docs)).to_be_hidden()
    expect(docs.locator("#schema-JobAccepted")).to_have_attribute("open", "")
