"""The documentation pages of a FastAPI application in a real browser, served by uvicorn, under a strict policy."""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

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


def connected(page: Page, operation: str) -> Locator:
    """The console with that operation's message, connected to the room."""
    page.goto("/chat/asyncapi")
    page.locator(f"#operation-{operation}").get_by_role("button", name="Try it").click()
    console = page.get_by_role("complementary", name="Console")
    console.get_by_label("room_name").fill("lobby")
    console.get_by_role("button", name="Connect", exact=True).click()
    expect(console.locator(".state")).to_have_text("Connected")
    return console


def test_a_message_is_sent_through_the_page(page: Page) -> None:
    """
    Given: the page of an application that is mounted below a prefix, with a parameter in its address
    When: a developer connects to a room and sends a message from the form
    Then: the typed answer is there
    """
    console = connected(page, "ping")
    console.get_by_role("button", name="Send", exact=True).click()
    expect(console.locator(".entry[data-name='PongMessage']")).to_have_attribute("data-kind", "typed")


def test_a_long_job_is_acknowledged_by_itself(page: Page) -> None:
    """
    Given: a server that sends no event of a job beyond the 200th until it is told that they have come
    When: a developer watches the job in the console
    Then: the console tells it, and says so in its log
    """

    def answer(socket: WebSocketRoute, text: str | bytes) -> None:
        frame = json.loads(text)
        if frame["action"] == "subscribe":
            socket.send(json.dumps({"topic": "job:1", "ref": frame["ref"], "action": "subscribed", "payload": {}}))
            for seq in range(1, 201):
                socket.send(json.dumps({"topic": "job:1", "action": "job_log", "seq": seq}))
        elif frame["payload"]["seq"] == 200:
            socket.send(json.dumps({"topic": "job:1", "action": "all_told", "seq": 201}))

    def serve(socket: WebSocketRoute) -> None:
        socket.on_message(lambda text: answer(socket, text))

    page.route_web_socket(re.compile("/ws/chat/lobby"), serve)
    console = connected(page, "subscribe")
    console.get_by_label(re.compile("job_id$")).fill("1")
    console.get_by_role("button", name="Send", exact=True).click()
    expect(console.locator(".entry[data-name=all_told]")).to_be_attached(timeout=90_000)
    expect(console.locator(".entry.is-sent[data-name=JobAck] .mark").last).to_have_text("by the console")


def test_what_has_to_be_filled_in_has_the_focus(page: Page) -> None:
    """
    Given: an address and a topic with parameters, of which none is filled in
    When: a developer connects, and then sends
    Then: the first of them has the focus
    """
    page.goto("/chat/asyncapi")
    page.locator("#operation-news_say").get_by_role("button", name="Try it").click()
    console = page.get_by_role("complementary", name="Console")
    console.get_by_role("button", name="Connect", exact=True).click()
    expect(console.get_by_label("room_name")).to_be_focused()

    console = connected(page, "news_say")
    console.get_by_role("button", name="Send", exact=True).click()
    expect(console.get_by_label(re.compile("subject$"))).to_be_focused()


def test_a_map_is_filled_in_by_keyboard(page: Page) -> None:
    """
    Given: a message with a map of numbers or lists of texts
    When: a developer types a key, goes on to its value, and chooses what kind it is
    Then: the focus stays where it went, no click is lost, and a problem stands beside the value of its key
    """
    page.goto("/chat/asyncapi")
    page.locator("#operation-note").get_by_role("button", name="Try it").click()
    console = page.get_by_role("complementary", name="Console")
    console.get_by_role("button", name="+ key").click()
    console.get_by_label("Key").fill("a/~$&")
    for key in ("Tab", "Tab", "Tab", "?"):
        page.keyboard.press(key)
    expect(console.locator(".row .field .problem")).to_have_text("must be integer or list of string")

    console.get_by_label("Key").fill("b")
    console.get_by_label("value: which kind").select_option("list of string")
    console.get_by_role("button", name="+ item").click()
    console.get_by_label("1", exact=True).fill("x")
    console.get_by_text("As JSON", exact=True).click()
    assert json.loads(console.get_by_label("The message as JSON").input_value())["payload"] == {"b": ["x"]}


def test_what_json_left_out_is_added_by_the_form(page: Page) -> None:
    """
    Given: a message typed as JSON without the key that says what it is
    When: the form's button for that key is pressed
    Then: the message has it, and nothing is wrong with it
    """
    page.goto("/chat/asyncapi")
    page.locator("#operation-note").get_by_role("button", name="Try it").click()
    console = page.get_by_role("complementary", name="Console")
    console.get_by_text("As JSON", exact=True).click()
    console.get_by_label("The message as JSON").fill('{"payload": {"b": [""]}}')
    console.get_by_role("button", name="Remove 1").click()
    expect(console.get_by_role("button", name="+ item")).to_be_focused()
    console.get_by_role("button", name="+ type").click()
    whole = json.loads(console.get_by_label("The message as JSON").input_value())
    assert whole == {"type": "note", "payload": {"b": []}}
    expect(console.locator(".problem:visible")).to_have_count(0)


def test_a_link_leads_to_what_is_filtered_away(page: Page) -> None:
    """
    Given: contents that are filtered
    When: the browser goes back to an operation that the filter hides
    Then: it is shown, and the filter is empty
    """
    page.goto("/chat/asyncapi#operation-ping")
    page.get_by_role("searchbox", name="Filter").fill("adopt")
    page.get_by_role("navigation", name="Operations").get_by_role("link", name="adopt").first.click()
    expect(page.locator("#operation-ping")).to_be_hidden()
    page.go_back()
    expect(page.locator("#operation-ping")).to_be_in_viewport()
    expect(page.get_by_role("searchbox", name="Filter")).to_have_value("")


def test_the_contents_are_there_on_a_wide_window_again(page: Page) -> None:
    """
    Given: a window as narrow as a phone, where the contents are folded
    When: it becomes a wide one, which has nothing to unfold them with
    Then: they are there
    """
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/chat/asyncapi")
    expect(page.get_by_role("searchbox", name="Filter")).to_be_hidden()
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(page.get_by_role("searchbox", name="Filter")).to_be_visible()


def test_the_page_on_the_react_component(page: Page) -> None:
    """
    Given: an application whose page is to be on the component, from an address of its own
    When: it is opened
    Then: the component gets the document and the place to show it in
    """
    page.goto("/react-docs")
    expect(page).to_have_title("Whole")
    expect(page.locator("#asyncapi")).to_contain_text("Whole: chat, chat_news")
