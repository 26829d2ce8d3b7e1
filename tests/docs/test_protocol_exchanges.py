"""The exchanges on the pages of docs/protocol, held word for word with a real consumer, store and channel layer.

A block of ``text`` with a line that begins with ``->`` or ``<-`` is one: ``--`` is what happens at the site (a step of
``protocol_site``), ``->`` what the client sends, ``<-`` what it gets. Times, epochs and runs are others each time; in
all else a frame has to be the one on the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, cast
from unittest import mock

import httpx
import pytest
from django.test import AsyncClient, override_settings
from django.urls import include, path
from fastapi import FastAPI

from chanx.fast_channels.jobs import jobs_router
from tests.docs.pages import DOCS, blocks_of
from tests.docs.protocol_site import ADA, FLAVOURS, Site

VOLATILE = frozenset({"epoch", "time", "created_at", "started_at", "ended_at", "run_id", "next", "before", "token"})
PAGES = sorted((DOCS / "protocol").glob("*.md"))
HTTP = re.compile(r"(GET|POST) (\S+)\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Exchange:
    """Its steps are pairs of a mark (``--``, ``->``, ``<-``) and what stands behind it."""

    name: str
    steps: tuple[tuple[str, str], ...]


def exchanges() -> Iterator[Exchange]:
    """Those of all pages, named by page and line."""
    for page in PAGES:
        for block in blocks_of(page.read_text()):
            if block.language == "text" and re.search(r"^(->|<-)", block.code, re.MULTILINE):
                yield Exchange(f"{page.stem}:{block.line}", tuple(steps_of(block.code)))


def steps_of(code: str) -> Iterator[tuple[str, str]]:
    """The steps of a block; what is indented goes on with the line above it."""
    joined = re.sub(r"\n\s+", " ", code.strip())
    for line in joined.splitlines():
        mark, _, rest = line.partition(" ")
        assert mark in {"--", "->", "<-"}, f"no step: {line}"
        yield mark, rest.strip()


class Conversation:
    """One exchange as it is held; ``heard`` are the site's lines as they were, as far as it has come."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._socket: Any = None
        self._answer: tuple[int, Any] | None = None
        self._real: dict[str, str] = {}
        self._any_order: list[str] | None = None

    async def take(self, mark: str, text: str) -> None:
        if text == "In either order:":
            self._any_order = []
        elif text.startswith("The site hands out the token "):
            self._real[text.split()[-1].rstrip(".")] = self._site.bridge.token("J")
        elif mark == "--":
            await self._site.run(text)
        elif mark == "->" and (request := HTTP.fullmatch(text)):
            self._answer = await self._request(*request.groups())
        elif mark == "->":
            await self._send(json.loads(text))
        elif text.startswith("CLOSE"):
            socket = await self._connected()
            message = await socket.receive_output(5)
            assert (message["type"], message.get("code", 1000)) == ("websocket.close", int(text.split()[1]))
        elif self._any_order is not None:
            self._any_order.append(text)
            if len(self._any_order) == 2:
                told, self._any_order = sorted(self._any_order, key=_action), None
                heard = sorted([await self.hear(), await self.hear()], key=_action)
                for page, came in zip(told, heard, strict=True):
                    self._compare(page, came)
        else:
            self._compare(text, await self.hear())

    async def hear(self) -> str:
        """What comes from the site, as it is written on the page."""
        if self._answer is not None:
            (status, content), self._answer = self._answer, None
            return f"{status} {json.dumps(content)}"
        return str(await (await self._connected()).receive_from(15))

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.disconnect()

    async def _connected(self) -> Any:
        if self._socket is None:
            consumer = self._site.consumer
            self._socket = self._site.flavour.communicator(consumer.as_asgi(), "/ws/", consumer=consumer)
            assert (await self._socket.connect(30))[0]
        return self._socket

    async def _send(self, frame: Any) -> None:
        await (await self._connected()).send_to(text_data=json.dumps(self._with_real_values(frame)))

    async def _request(self, method: str, url: str, body: str) -> tuple[int, Any]:
        url = re.sub("|".join(map(re.escape, self._real)), lambda at: self._real[at[0]], url) if self._real else url
        ask = ask_django if self._site.framework == "Django" else ask_fastapi
        return await ask(self._site, method, url, body)

    def _with_real_values(self, value: Any) -> Any:
        """What the page says, with the epochs and times that this site has in their place."""
        if isinstance(value, dict):
            content = cast("dict[str, Any]", value)
            return {name: self._with_real_values(each) for name, each in content.items()}
        return self._real.get(value, value) if isinstance(value, str) else value

    def _compare(self, told: str, heard: str) -> None:
        told_status, told_json = told[: told.index("{")], json.loads(told[told.index("{") :])
        heard_status, heard_json = heard[: heard.index("{")], json.loads(heard[heard.index("{") :])
        assert heard_status == told_status
        assert self._steady(told_json, heard_json) == heard_json

    def _steady(self, told: Any, heard: Any, name: str = "") -> Any:
        """``told`` with what differs each time as it is in ``heard``."""
        if isinstance(told, dict) and isinstance(heard, dict):
            page, site = cast("dict[str, Any]", told), cast("dict[str, Any]", heard)
            return {key: self._steady(value, site.get(key), key) for key, value in page.items()}
        if isinstance(told, list) and isinstance(heard, list):
            values = cast("list[Any]", told)  # type: ignore[redundant-cast] # pyright does not know what is in it
            others = cast("list[Any]", heard)  # type: ignore[redundant-cast] # likewise
            if len(values) == len(others):
                return [self._steady(value, other, name) for value, other in zip(values, others, strict=True)]
        if name in VOLATILE and isinstance(told, str) and isinstance(heard, str):
            assert self._real.setdefault(told, heard) == heard, f"{name}: {told} is {self._real[told]} here"
            return heard
        return cast("Any", told)


def _action(frame: str) -> str:
    return str(json.loads(frame)["action"])


def signed_in(get_response: Any) -> Any:
    """A middleware of Django: every request is the user's whose jobs these are."""

    def middleware(request: Any) -> Any:
        request.user = ADA
        request._dont_enforce_csrf_checks = True
        return get_response(request)

    return middleware


async def ask_django(site: Site, method: str, url: str, body: str) -> tuple[int, Any]:
    urls: Any = ModuleType("urls")
    urls.urlpatterns = [path("jobs/", include("chanx.channels.jobs"))]
    own = {"ROOT_URLCONF": urls, "ALLOWED_HOSTS": ["*"], "MIDDLEWARE": [f"{__name__}.signed_in"]}
    request: Any = getattr(AsyncClient(), method.lower())
    with override_settings(**own), mock.patch("chanx.channels.jobs.bridge_of", return_value=site.bridge):
        answer = await request(url, **({"data": body, "content_type": "application/json"} if body else {}))
    return answer.status_code, json.loads(answer.content)


async def ask_fastapi(site: Site, method: str, url: str, body: str) -> tuple[int, Any]:
    app = FastAPI()
    app.include_router(jobs_router(site.bridge, user=lambda: ADA), prefix="/jobs")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as browser:
        answer = await browser.request(method, url, content=body, headers={"Content-Type": "application/json"})
    return answer.status_code, answer.json()


@pytest.fixture(params=FLAVOURS)
def site(request: pytest.FixtureRequest, redis_url: str, key_prefix: str) -> Iterator[Site]:
    site = Site(redis_url, key_prefix, request.param)
    yield site
    site.close()


def only_on_django(exchange: Exchange) -> bool:
    return any("an authenticator that wants a user" in text for _, text in exchange.steps)


@pytest.mark.parametrize("exchange", list(exchanges()), ids=lambda exchange: exchange.name)
async def test_the_site_says_what_the_page_says(exchange: Exchange, site: Site) -> None:
    if site.framework != "Django" and only_on_django(exchange):
        return
    conversation = Conversation(site)
    try:
        for mark, text in exchange.steps:
            await conversation.take(mark, text)
    finally:
        await conversation.close()
