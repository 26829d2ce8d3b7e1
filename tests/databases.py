"""Databases of the tests' own, with the tables of the job store, that go away afterwards."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from django.apps import apps
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from chanx.bridge.contrib.store import DjangoJobStore
from chanx.testing.tied_process import tied
from tests.ports import free_port
from tests.requirements import missing
from tests.waiting import wait_until

_STANDARD = {"HOST": "127.0.0.1", "PORT": "5432", "USER": "postgres"}


@contextmanager
def alias_for(settings: Mapping[str, Any]) -> Iterator[str]:
    """A new alias in DATABASES; call it where pytest-django allows access to databases."""
    alias = f"jobs-{uuid4().hex[:8]}"
    # Django keeps the settings that it has completed: the new ones are the same, but for what is given.
    connections.settings[alias] = {**deepcopy(connections.settings["default"]), **settings}
    try:
        yield alias
    finally:
        connections[alias].close()
        delattr(connections._connections, alias)
        del connections.settings[alias]


@contextmanager
def migrated(settings: Mapping[str, Any]) -> Iterator[str]:
    """A new alias whose database has the tables of the job store."""
    with alias_for(settings) as alias:
        call_command("migrate", "chanx_jobs", database=alias, verbosity=0)
        yield alias


def emptied(store: DjangoJobStore) -> DjangoJobStore:
    """Jobs are invisible to each other, but those of an owner, and workers and deadlines, are not."""
    tables = [model._meta.db_table for model in apps.get_app_config("chanx_jobs").get_models()]
    tables.remove("chanx_jobs_epoch")
    store._database.ask(*((f"DELETE FROM {table}", ()) for table in tables))
    return store


def sqlite_settings(directory: Path) -> dict[str, Any]:
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(directory / "jobs.sqlite3")}


@contextmanager
def postgres_settings(*, durable: bool = False) -> Iterator[dict[str, Any]]:
    """A database on the standard port, or on a server that is started for it; ``durable``: as it is by default."""
    with ExitStack() as stack:
        server = _STANDARD if _answers(_STANDARD) else stack.enter_context(postgres_server())
        name = f"chanx_test_{uuid4().hex[:12]}"
        with _administrator(server) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            if not durable:  # the tests do not pull the plug, and need not wait for the disk
                connection.execute(
                    sql.SQL("ALTER DATABASE {} SET synchronous_commit TO off").format(sql.Identifier(name))
                )
        try:
            yield {"ENGINE": "django.db.backends.postgresql", "NAME": name, **server}
        finally:
            with _administrator(server) as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def postgres_server() -> Iterator[dict[str, str]]:
    """A server of one's own, where PostgreSQL is installed; root has it run by a user who may."""
    programs = _programs()
    if programs is None:
        missing("PostgreSQL", "apt install postgresql")
    with tempfile.TemporaryDirectory(prefix="chanx-pg-", dir="/tmp") as directory:
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": directory}
        initdb = [str(programs / "initdb"), "-D", f"{directory}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        subprocess.run(_as_ordinary_user([*initdb, "--no-sync"], directory), check=True, **quiet)
        server = {**_STANDARD, "PORT": str(free_port())}
        command = [str(programs / "postgres"), "-D", f"{directory}/data", "-k", directory, "-p", server["PORT"]]
        process = subprocess.Popen(_as_ordinary_user(command, directory), **quiet)
        try:
            wait_until(lambda: process.poll() is not None or _answers(server), what="PostgreSQL's answer")
            assert process.poll() is None, "PostgreSQL has ended"
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # its fast way to end
            process.wait(60)


def _as_ordinary_user(command: list[str], directory: str) -> list[str]:
    """PostgreSQL refuses to run as root. Either way it dies with this process."""
    if os.getuid() != 0:
        return tied(command)
    nobody = pwd.getpwnam("nobody")
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    user = [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", "--pdeathsig=KILL"]
    return ["setpriv", *user, *command]


def _programs() -> Path | None:
    """The directory of the newest server programs; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return Path(path).resolve().parent if path else None


def _answers(server: Mapping[str, str]) -> bool:
    try:
        _administrator(server).close()
    except psycopg.OperationalError:
        return False
    return True


def _administrator(server: Mapping[str, str]) -> "psycopg.Connection[tuple[Any, ...]]":
    return psycopg.connect(
        host=server["HOST"], port=server["PORT"], user=server["USER"], dbname="postgres", autocommit=True
    )
