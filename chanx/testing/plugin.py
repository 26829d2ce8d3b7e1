"""The pytest plugin: fixtures for the tests of projects that use chanx.

It loads nothing of chanx until a test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from importlib import import_module
from typing import Any, Final

import pytest

FIXTURE: Final = "asyncapi_contract"
OPTION: Final = "chanx_asyncapi_contract"
MARKER: Final = "no_asyncapi_contract"

_checker: Final = pytest.StashKey[Any]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini option that turns the fixture on for all tests."""
    parser.addini(OPTION, f"check what consumers send in every test, as with the fixture {FIXTURE}", "bool", False)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of tests that break the contract on purpose."""
    config.addinivalue_line("markers", f"{MARKER}: what consumers send in this test is not checked ({OPTION})")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give every test the fixture where the ini option says so."""
    names: list[str] | None = getattr(item, "fixturenames", None)
    if names is None or FIXTURE in names or not item.config.getini(OPTION):
        return
    if item.get_closest_marker(MARKER) is None:
        names.insert(0, FIXTURE)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail the test itself, not its teardown, for what it has sent."""
    checker = item.stash.get(_checker, None)
    if checker is None:
        return (yield)
    try:
        result = yield
    except BaseException as error:
        if report := checker.report():
            error.add_note(report)
        raise
    _fail_for(checker)
    return result


@pytest.fixture
def asyncapi_document() -> Any:
    """The document that ``asyncapi_contract`` holds consumers to: that of each class (None).

    Override it in a ``conftest.py`` to hold them to the document that you have published: return its path.
    """
    return None


@pytest.fixture
def asyncapi_contract(request: pytest.FixtureRequest, asyncapi_document: Any) -> Iterator[Any]:
    """Check every frame that any consumer sends while the test runs: it fails for one that the document does not have.

    The value is the ``chanx.testing.contract.ContractChecker``. With ``chanx_asyncapi_contract = true`` in pytest's
    configuration every test has it, but those with ``@pytest.mark.no_asyncapi_contract``.
    """
    checker = import_module("chanx.testing.contract").ContractChecker(asyncapi_document)
    checker.start()
    request.node.stash[_checker] = checker
    try:
        yield checker
    finally:
        checker.stop()
    _fail_for(checker)


def _fail_for(checker: Any) -> None:
    if report := checker.report():
        pytest.fail(report, pytrace=False)
