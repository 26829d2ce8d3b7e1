"""The page of a document: everything is on it, nothing gets out of it, and it needs nothing from elsewhere."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from chanx.asyncapi.page import asset, page_parts, render_page
from tests.unit.asyncapi.page_documents import ChatMessage, Ping, Pong, channel, document, operation, rooms

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)> \" ' &amp; {{ 7*7 }} \u2028"


class Seen(HTMLParser):
    """The elements, ids, links and texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.data = ""
        self._in_script = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.data += data
        else:
            self.text += data

    def all(self, attribute: str) -> list[str]:
        return [attributes[attribute] or "" for _, attributes in self.elements if attribute in attributes]

    def by_class(self, name: str) -> int:
        return sum(name in (attributes.get("class") or "").split() for _, attributes in self.elements)


def seen(shown: dict[str, Any], **links: str) -> Seen:
    return Seen(render_page(shown, docs_url="/docs/", **links))


def words(text: str) -> str:
    return " ".join(text.split())


def test_it_says_what_the_document_says() -> None:
    """Given a document, when its page is rendered, then info, server, channels, operations and schemas are on it."""
    page = seen(rooms(description="Talk."), json_url="/x.json", yaml_url="/x.yaml")
    text = words(page.text)

    for said in (
        "Rooms", "1.2.0", "Talk.", "ws://localhost:8000", "ws/room/{room_name}/", "Path parameter for room_name (str)",
        "job:{job_id}", "Say something", "To all.", "talk", "An *event*: see chat.", "1 to 40 characters", "≤ 150",
        "one of \"red\" \"green\"", "pattern ^[a-z]+$", "map of integer", "Circle or Square or null", "Job streams",
    ):  # fmt: skip
        assert said in text, said
    assert {"/x.json", "/x.yaml"} <= set(page.all("href"))


def test_it_is_told_from_the_clients_side() -> None:
    """Given what the server receives, when it is shown, then you send it; its reply and what it sends you receive."""
    html = render_page(rooms())

    def article(key: str) -> str:
        return words(Seen(html.partition(f'id="operation-{key}"')[2].partition("</article>")[0]).text)

    assert "You send chat" in article("chat")
    assert "You are answered with ChatSaid" in article("chat")
    assert "You receive somebody_spoke" in article("somebody_spoke")
    assert "You are answered" not in article("ack")


def test_names_for_who_does_not_see_the_page() -> None:
    """Given arrows for the two ways and a button at each operation, when they are read out, then each says its own."""
    labels = seen(rooms()).all("aria-label")
    assert {"You send", "You receive", "Try it: chat", "Try it: ping", "Open the console: room"} <= set(labels)


def test_examples_of_topics_are_whole_frames() -> None:
    """Given a topic on a connection, when its messages are shown, then with the envelope; without on a route of its
    own, where only the server's frames have one."""
    shown = rooms()
    topic = shown["channels"]["room_job"]["x-topic"]

    assert '"topic": "job:{job_id}",\n  "ref": "1",\n  "action": "ack"' in Seen(render_page(shown)).text
    shown["channels"]["room_job"] |= {"x-topic": {**topic, "name": "room_job"}}
    text = Seen(render_page(shown)).text
    assert '{\n  "action": "ack"' in text
    assert '{\n  "version": 1,\n  "topic": "job:{job_id}",\n  "action": "job_log"' in text


def test_links_lead_somewhere_and_ids_are_unique() -> None:
    """Given a page, when its links within it are followed, then each has a target, and only one."""
    page = seen(rooms())
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    targets = {href.removeprefix("#") for href in page.all("href") if href.startswith("#")}
    assert targets <= set(ids)
    assert "operation-chat" in targets
    assert set(page.all("data-filter-for")) <= set(ids)


def test_nothing_inline_and_nothing_from_elsewhere() -> None:
    """Given a strict content security policy, when the page is read, then it asks for nothing that this forbids."""
    page = seen(rooms(description="https://example.com"))
    attributes = [name for _, attributes in page.elements for name in attributes]
    assert [name for name in attributes if name.startswith("on") or name == "style"] == []
    assert [tag for tag, _ in page.elements if tag == "style"] == []
    scripts = [attributes for tag, attributes in page.elements if tag == "script"]
    assert [script.get("type") for script in scripts] == ["module", "application/json"]
    loaded = [*page.all("src"), *(a["href"] or "" for tag, a in page.elements if tag == "link")]
    assert loaded
    for url in loaded:
        assert re.fullmatch(r"/docs/\?asset=[\w.]+", url), url
        assert asset(url.partition("=")[2], docs_url="/docs/") is not None


@pytest.mark.parametrize(
    "place", ["title", "description", "summary", "tag", "operation", "channel", "example", "address"]
)
def test_hostile_text_stays_text(place: str) -> None:
    """Given text that looks like HTML, when it is anywhere in a document, then it is shown, and does nothing else."""
    shown = rooms()
    chat = shown["operations"]["chat"]
    if place == "title":
        shown["info"]["title"] = HOSTILE
    elif place in {"description", "summary"}:
        chat[place] = HOSTILE
    elif place == "tag":
        chat["tags"] = [{"name": HOSTILE}]
    elif place == "operation":
        shown["operations"] = {HOSTILE: chat}
    elif place == "channel":
        shown["channels"]["room"] |= {"title": HOSTILE, "description": HOSTILE}
    elif place == "address":
        shown["channels"]["room"] |= {"address": HOSTILE, "parameters": {HOSTILE: {"description": HOSTILE}}}
    else:
        text = shown["components"]["schemas"]["ChatPayload"]["properties"]["text"]
        text |= {"examples": [HOSTILE], "description": HOSTILE, "title": HOSTILE, "default": HOSTILE}
    html = render_page(shown, docs_url=f"/{HOSTILE}")
    page = Seen(html)

    assert "alert(1)" in page.text
    assert [tag for tag, _ in page.elements].count("script") == 2
    assert "onerror" not in [name for _, attributes in page.elements for name in attributes]
    assert "{{ 7*7 }}" in html
    assert json.loads(page.data) == shown


def test_an_empty_document() -> None:
    page = seen(document({}, {}))
    assert "no channels" in page.text
    assert page.by_class("operation") == 0


def test_a_channel_without_operations_and_messages_of_nothing() -> None:
    shown = document(
        {"a": channel("a"), "b": channel("b")}, {"e": {"action": "send", "channel": {"$ref": "#/channels/b"}}}
    )
    assert "nothing to send here" in seen(shown).text


def test_many_operations_and_very_long_names() -> None:
    """Given 200 operations, one of them with a long name, when the page is rendered, then all of them are on it."""
    long = "n" * 3000
    names = [f"operation_{number}" for number in range(199)] + [long]
    operations = {name: operation("receive", "room", ChatMessage, reply=(Pong,)) for name in names}
    page = seen(document({"room": channel("ws/", ChatMessage, Pong)}, operations, ChatMessage, Pong))
    assert page.by_class("operation") == 200
    assert f"operation-{long}" in page.all("id")


def test_keys_with_odd_characters() -> None:
    """Given keys with spaces, slashes and umlauts, when the page is rendered, then links to them are right."""
    key = "a b/ü%"
    pointer = key.replace("/", "~1")
    shown = document({key: channel("ws/", Ping)}, {key: operation("receive", pointer, Ping)}, Ping)
    shown["operations"][key]["messages"] = [{"$ref": f"#/channels/{pointer}/messages/ping"}]
    page = seen(shown)
    assert "operation-a-b/ü%" in page.all("id")
    assert "#operation-a-b/%C3%BC%25" in page.all("href")


def test_parts_are_the_page() -> None:
    """Given a template with a frame of its own, when it has the parts, then nothing of the page is missing."""
    parts = page_parts(rooms(), docs_url="/docs/")
    whole = render_page(rooms(), docs_url="/docs/")
    assert parts.title == "Rooms"
    assert parts.head in whole
    assert parts.body in whole
