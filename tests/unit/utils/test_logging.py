"""Log entries of frames go to structlog where it is configured, else to the standard library, and nowhere twice."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from textwrap import dedent

import pytest
import structlog
from structlog.testing import capture_logs

from chanx.utils.logging import log_info, logger


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def test_the_logger_is_structlogs() -> None:
    with capture_logs() as entries:
        logger.info("my_event", key=1)
    assert entries == [{"event": "my_event", "key": 1, "log_level": "info"}]


def test_an_unknown_name_is_an_attribute_error() -> None:
    module = sys.modules["chanx.utils.logging"]
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        _ = module.other


def test_where_structlog_is_configured_it_gets_the_entry_and_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="chanx"), capture_logs() as entries:
        log_info("Websocket sent", action="say")
    assert entries == [{"event": "Websocket sent", "action": "say", "log_level": "info"}]
    assert caplog.records == []


def test_structlogs_own_level_counts() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING), processors=[pytest.fail])
    log_info("Websocket sent", action="say")


def test_elsewhere_it_is_the_standard_library(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO, logger="chanx"):
        log_info("Websocket sent", action="say")
    log_info("Websocket sent", action="below the level")

    assert [record.message for record in caplog.records] == ["Websocket sent action='say'"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("missing", [True, False])
def test_structlog_is_imported_only_for_its_logger(missing: bool) -> None:
    program = f"""
        import sys
        if {missing}:
            sys.modules["structlog"] = None
        import chanx.utils.logging
        chanx.utils.logging.log_info("Websocket sent")
        assert {missing} or "structlog" not in sys.modules
        try:
            from chanx.utils.logging import logger
        except ImportError as error:
            print(error)
        """
    result = subprocess.run(
        [sys.executable, "-c", dedent(program)], capture_output=True, text=True, check=True, timeout=60
    )
    assert ('pip install "chanx[core]"' in result.stdout) is missing
