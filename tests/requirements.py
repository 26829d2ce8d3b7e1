"""What some tests need of the machine: skipped without it, or failing where all of it is promised to be there."""

import os
import shutil
from typing import NoReturn

import pytest

_HOW_TO_GET = {
    "chromium": "apt install chromium",
    "rabbitmq": "apt install rabbitmq-server",
}
_PROGRAMS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    # Debian's rabbitmq-server on PATH is a wrapper that changes the user.
    "rabbitmq": ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server"),
}


def require(name: str) -> str:
    """The path of the program ``name`` ("chromium" or "rabbitmq"); without it the calling test or fixture ends here.

    It is skipped with a line that says how to get the program, and fails instead if CHANX_TEST_REQUIRE is ``all``.
    """
    for program in _PROGRAMS[name]:
        if path := shutil.which(program):
            return path
    missing(name, _HOW_TO_GET[name])


def missing(what: str, how_to_get_it: str) -> NoReturn:
    """Ends the calling test or fixture: it is skipped, or fails if CHANX_TEST_REQUIRE is ``all``."""
    reason = f"needs {what}: {how_to_get_it}"
    if os.environ.get("CHANX_TEST_REQUIRE") == "all":
        pytest.fail(f"{reason} (CHANX_TEST_REQUIRE=all)")
    pytest.skip(reason)
