"""Structured log entries: through structlog where the process has configured it, else through the standard library.

``from chanx.utils.logging import logger`` is structlog's logger ``chanx``; structlog is imported only then.
"""

import logging
import sys
from typing import Any

from chanx.log import log_event
from chanx.log import logger as standard_logger
from chanx.utils.extras import need


def __getattr__(name: str) -> Any:
    if name != "logger":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return need("structlog", extra="core").get_logger("chanx")


def log_info(event: str, **values: object) -> None:
    """One info entry with a constant name and key-values; the level is tested before anything is made of it.

    A process that has not configured structlog gets it on the standard library's logger ``chanx``: structlog's own
    default would print every entry.
    """
    # Who has not imported structlog has not configured it.
    structlog = sys.modules.get("structlog")
    if structlog is not None and structlog.is_configured():
        structlog.get_logger("chanx").info(event, **values)
    elif standard_logger.isEnabledFor(logging.INFO):
        log_event(event, level=logging.INFO, **values)
