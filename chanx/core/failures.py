"""Logging of what failed inside a user's code: a constant event name, key-values, and the traceback."""

import logging

from chanx.log import logger


def log_failure(event: str, error: BaseException, **values: object) -> None:
    """One error line with the traceback of ``error``. Its text stays in the log: clients get general words only."""
    if logger.isEnabledFor(logging.ERROR):
        pairs = " ".join(f"{name}={value!r}" for name, value in values.items())
        logger.error("%s %s", event, pairs, exc_info=error, extra={"event": event, "values": values})
