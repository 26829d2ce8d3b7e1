"""The pytest plugin: fixtures for the tests of projects that use chanx.

It loads nothing of chanx until a test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import partial
from importlib import import_module
from typing import Any, Final

import pytest

FIXTURE: Final = "asyncapi_contract"
OPTION: Final = "chanx_asyncapi_contract"
MARKER: Final = "no_asyncapi_contract"
CELERY_APP: Final = "chanx_celery_app"

_checker: Final = pytest.StashKey[Any]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini options."""
    parser.addini(CELERY_APP, "the Celery app whose jobs are tested, as for celery -A", "string", "")
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


@pytest.fixture
def chanx_celery_app(request: pytest.FixtureRequest) -> Any:
    """The Celery app whose jobs are tested: that of the ini option ``chanx_celery_app``, else Celery's current one.

    Override it in a ``conftest.py`` to return another one.
    """
    celery = import_module("celery")
    name: str = request.config.getini(CELERY_APP)
    if not name:
        return celery.current_app._get_current_object()
    how = f"{CELERY_APP} = {name} in pytest's configuration: write it as module:name, such as shop.celery:app."
    try:
        found = import_module("celery.app.utils").find_app(name)
    except Exception as error:
        error.add_note(how)
        raise
    if not isinstance(found, celery.Celery):
        raise import_module("chanx.errors").ConfigurationError(f"{found!r} is no Celery app. {how}")
    return found


@pytest.fixture
def memory_bridge(chanx_celery_app: Any) -> Iterator[Any]:
    """The app's bridge in memory while the test runs: no Redis, no broker, no worker; tasks run where they are started.

    The value is the ``chanx.testing.jobs.MemoryBridge``.
    """
    jobs = import_module("chanx.testing.jobs")
    try:
        memory = jobs.MemoryBridge(chanx_celery_app)
    except import_module("chanx.errors").ConfigurationError as error:
        error.add_note(
            f'Tests of another app name it in pytest\'s configuration, {CELERY_APP} = "shop.celery:app", or override '
            f"the fixture {CELERY_APP}."
        )
        raise
    with memory:
        yield memory


@pytest.fixture
def job_events(memory_bridge: Any) -> Any:
    """The events of all jobs of the test, in order: a ``chanx.testing.jobs.JobEvents``."""
    return memory_bridge.events


@pytest.fixture
def run_job(memory_bridge: Any) -> Callable[..., Any]:
    """``run_job(task, *args, owner="user:1")`` runs it as a job, to its end: ``MemoryBridge.run``."""
    run: Callable[..., Any] = memory_bridge.run
    return run


@pytest.fixture
def wait_for_job(chanx_celery_app: Any) -> Callable[..., Any]:
    """``wait_for_job(job, timeout=10.0)`` returns a job that runs elsewhere, once it has ended."""
    return partial(import_module("chanx.testing.jobs").wait_for_job, app=chanx_celery_app)


@pytest.fixture
def wait_for_job_async(chanx_celery_app: Any) -> Callable[..., Any]:
    """The same, to be awaited."""
    return partial(import_module("chanx.testing.jobs").wait_for_job_async, app=chanx_celery_app)


def _fail_for(checker: Any) -> None:
    if report := checker.report():
        pytest.fail(report, pytrace=False)
