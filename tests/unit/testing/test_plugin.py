"""The pytest plugin, in pytest runs of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

CONSUMER = """
import asyncio
from typing import Literal

import pytest

from chanx.core.decorators import ws_handler
from chanx.fast_channels.testing import WebsocketCommunicator
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage


class Ping(BaseMessage):
    action: Literal["ping"] = "ping"
    payload: None = None


class Pong(BaseMessage):
    action: Literal["pong"] = "pong"
    payload: None = None


class KeepingConsumer(AsyncJsonWebsocketConsumer):
    @ws_handler
    async def ping(self, message: Ping) -> Pong:
        return Pong()


class BreakingConsumer(AsyncJsonWebsocketConsumer):
    @ws_handler
    async def ping(self, message: Ping) -> None:
        await self.send_message(Pong())


def talk(consumer):
    async def run():
        async with WebsocketCommunicator(consumer.as_asgi(), "/", consumer=consumer) as client:
            await client.send_message(Ping())
            await client.receive_json_from(10)

    asyncio.run(run())
"""


def run(pytester: pytest.Pytester, tests: str, *, ini: str = "", conftest: str = "") -> pytest.RunResult:
    pytester.makepyfile(consumers=CONSUMER, test_it=f"import pytest\nfrom consumers import *\n\n{tests}")
    pytester.makeini(f"[pytest]\nasyncio_default_fixture_loop_scope = function\n{ini}\n")
    pytester.makeconftest(conftest)
    others = ("valkey", "django", "xdist", "cacheprovider")
    return pytester.runpytest(*(option for name in others for option in ("-p", f"no:{name}")))


def test_a_test_with_the_fixture_fails_for_what_it_sent(pytester: pytest.Pytester) -> None:
    """Given a consumer that breaks its contract, When a test has the fixture, Then that test fails, and says why."""
    result = run(
        pytester,
        """
def test_breaks(asyncapi_contract): talk(BreakingConsumer)
def test_keeps(asyncapi_contract): talk(KeepingConsumer)
def test_unwatched(): talk(BreakingConsumer)
""",
    )

    result.assert_outcomes(failed=1, passed=2)
    result.stdout.fnmatch_lines(
        [
            'BreakingConsumer sent {"action":"pong","payload":null}',
            "*The message with the action 'pong' is not declared.*",
            "*Declare its type: output_type=*sends = *of BreakingConsumer*",
            "FAILED test_it.py::test_breaks*",
        ]
    )


def test_a_test_that_fails_anyway_has_a_note(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_fails(asyncapi_contract):
    talk(BreakingConsumer)
    assert 1 == 2
""",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert 1 == 2*", "*BreakingConsumer sent*"])


def test_what_is_sent_after_the_test_is_an_error_of_it(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
@pytest.fixture
def late(asyncapi_contract):
    yield
    talk(BreakingConsumer)

def test_late(late): pass
""",
    )

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*BreakingConsumer sent*"])


def test_every_test_by_the_ini_option(pytester: pytest.Pytester) -> None:
    """Given the option, When tests of all kinds run, Then each is checked but the one that says otherwise."""
    result = run(
        pytester,
        """
import unittest

def test_function(): talk(BreakingConsumer)

class TestClass:
    def test_method(self): talk(BreakingConsumer)

class Case(unittest.TestCase):
    def test_case(self): talk(BreakingConsumer)
    def test_case_that_keeps(self): talk(KeepingConsumer)

@pytest.mark.no_asyncapi_contract
def test_on_purpose(): talk(BreakingConsumer)

@pytest.mark.parametrize("consumer", [KeepingConsumer, BreakingConsumer])
async def test_coroutine(consumer):
    async with WebsocketCommunicator(consumer.as_asgi(), "/", consumer=consumer) as client:
        await client.send_message(Ping())
        await client.receive_json_from(10)
""",
        ini="chanx_asyncapi_contract = true\nasyncio_mode = auto\naddopts = --strict-markers",
    )

    result.assert_outcomes(failed=4, passed=3)


def test_a_published_document(pytester: pytest.Pytester) -> None:
    """Given a document that has no channel of the consumer, When it is the project's, Then the test fails."""
    pytester.makefile(
        ".yaml", asyncapi="asyncapi: 3.0.0\ninfo: {title: Site, version: 1.0.0}\nchannels: {}\noperations: {}\n"
    )
    conftest = """
import pytest

@pytest.fixture
def asyncapi_document(request):
    return request.config.rootpath / "asyncapi.yaml"
"""

    result = run(pytester, "def test_it(asyncapi_contract): talk(KeepingConsumer)", conftest=conftest)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*The document has no channel of KeepingConsumer*", "*asyncapi.yaml anew*"])


def test_it_loads_nothing_of_chanx_by_itself() -> None:
    """Given a project that does not use chanx in its tests, When pytest loads the plugin, Then that costs nothing."""
    program = (
        "import sys, chanx.testing.plugin; print(*(m for m in sys.modules if m.startswith(('chanx', 'pydantic'))))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert set(loaded.stdout.split()) <= {"chanx", "chanx.testing", "chanx.testing.plugin"}
