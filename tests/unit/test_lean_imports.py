"""What importing a part of chanx does not load, beyond the libraries that tests/test_architecture.py names."""

import os
import subprocess
import sys
from textwrap import dedent

import pytest

_SIGNATURES = {"jwt", "cryptography"}
_DOCUMENTS = {"jinja2", "yaml", "jsonschema", "chanx.asyncapi", "chanx.client_generator"}
_CLIENTS = {"httpx", "websockets", "click", "psycopg"}
_LOGS = {"structlog", "twisted"}
_ANYTHING = _SIGNATURES | _DOCUMENTS | _CLIENTS | _LOGS

_DJANGO = """
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"])
django.setup()
import channels.generic.websocket
"""
_CELERY = "import celery.app.task, kombu, redis"
_FAST_CHANNELS = "import fast_channels.consumer, fast_channels.layers"

# By module: what its process has loaded before, which does not count, and what it does not load.
LEAN = {
    "chanx": ("", _ANYTHING | {"asyncio", "chanx.utils"}),
    "chanx.bridge": ("", _ANYTHING | {"asyncio", "pydantic", "redis"}),
    "chanx.bridge.worker": (_CELERY, _ANYTHING | {"chanx.bridge.web", "chanx.core.websocket", "uvicorn"}),
    "chanx.bridge.start": (_CELERY, _ANYTHING | {"chanx.bridge.web", "chanx.bridge.worker", "chanx.core.websocket"}),
    "chanx.channels.websocket": (_DJANGO, _ANYTHING | {"rest_framework", "celery", "redis", "chanx.bridge"}),
    "chanx.fast_channels.websocket": (_FAST_CHANNELS, _ANYTHING | {"fastapi", "celery", "redis", "chanx.bridge"}),
}


@pytest.mark.parametrize("module", LEAN)
def test_loads_only_what_it_needs(module: str) -> None:
    before, heavy = LEAN[module]
    loaded = _printed(
        f"""
        import sys
        exec({before!r})
        before = set(sys.modules)
        import {module}
        print(*(set(sys.modules) - before))
        """
    )
    assert [name for name in sorted(loaded.split()) if any(_is_in(name, package) for package in heavy)] == []


def test_the_help_of_the_command_loads_no_subcommand() -> None:
    loaded = _printed(
        """
        import sys
        from chanx.cli.main import cli
        sys.stdout = sys.stderr
        cli(["--help"], standalone_mode=False)
        print(*sys.modules, file=sys.__stdout__)
        """
    )
    heavy = {*_ANYTHING, "pydantic", "chanx.cli.asyncapi", "chanx.cli.diff", "chanx.cli.generate_client"} - {"click"}
    assert [name for name in sorted(loaded.split()) if any(_is_in(name, package) for package in heavy)] == []


def test_the_side_that_checks_tokens_is_ready_to() -> None:
    # What the first token loaded would hold up every connection of the process meanwhile.
    assert "jwt" in _printed("import sys, chanx.bridge.web.topic; print(*sys.modules)").split()


@pytest.mark.parametrize("module", ["chanx.bridge.start", "chanx.bridge.worker"])
def test_a_process_without_pyjwt_has_jobs_without_tokens(module: str) -> None:
    printed = _printed(
        f"""
        import sys
        sys.modules["jwt"] = None
        import {module}
        from chanx.bridge.tokens import issued_token
        from chanx.errors import MissingExtraError
        try:
            issued_token("j", ["cancel"], expires_in=1, secrets=("a secret that is long enough",))
        except MissingExtraError as error:
            print(error)
        """
    )
    assert 'pip install "chanx[bridge]"' in printed


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _printed(program: str) -> str:
    """What it prints, in a fresh interpreter."""
    # Celery loads Django by itself where this is set, and pytest-django sets it.
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-c", dedent(program)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
