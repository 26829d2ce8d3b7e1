"""System checks of the job store: what would fail at the first job is said by ``manage.py check``.

E101  the store is used, but the application with its tables is not installed (in :mod:`.database`)
E102  the alias that it is given does not exist, or leads to a database that it cannot use
W103  its SQLite file is that of other tables, whose transactions would keep it waiting
W104  tables are missing (``check --database <alias>`` and ``migrate``)
W105  the clock of its server is not that of this host (``check --database <alias>``)
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning
from django.db import connections
from django.db.utils import DatabaseError

from chanx.bridge.contrib.installed import installed_store
from chanx.bridge.contrib.store import DjangoJobStore
from chanx.doctor.check_messages import messages_of
from chanx.doctor.clock import ahead, in_words, is_off
from chanx.doctor.finding import Finding
from chanx.errors import ConfigurationError


def check_store(**_: object) -> list[CheckMessage]:
    """E102 and W103: what the settings tell."""
    store = installed_store()
    return [] if store is None else check_store_of(store)


def check_database(*, databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """W104 and W105: what the database tells."""
    store = installed_store()
    return [] if store is None or store.alias not in (databases or ()) else check_database_of(store)


def check_store_of(store: DjangoJobStore) -> list[CheckMessage]:
    """E102 and W103 of a store."""
    try:
        store.check_settings()
    except ConfigurationError as error:
        return [Error(str(error), id="chanx.E102")]
    return list(_shared_file(store.alias))


def check_database_of(store: DjangoJobStore) -> list[CheckMessage]:
    """W104 and W105 of a store. Nothing where its database is away, as these are no checks of the network."""
    try:
        return [*_missing_tables(store.alias), *messages_of(_other_clock(store.alias))]
    except DatabaseError:
        return []


def _missing_tables(alias: str) -> Iterator[CheckMessage]:
    wanted = {model._meta.db_table for model in apps.get_app_config("chanx_jobs").get_models()}
    missing = wanted - set(connections[alias].introspection.table_names())
    if missing:
        text = f"The job store's tables are missing in DATABASES[{alias!r}]: {', '.join(sorted(missing))}."
        yield Warning(text, hint=f"manage.py migrate --database={alias} makes them.", id="chanx.W104")


def _other_clock(alias: str) -> Iterator[Finding]:
    if connections[alias].vendor != "postgresql":  # SQLite has the clock of this host
        return
    with connections[alias].cursor() as cursor:
        before = time.time()
        cursor.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())")
        (theirs,) = cursor.fetchone()
    seconds = ahead(float(theirs), before=before, after=time.time())
    if is_off(seconds):
        yield Finding(
            "chanx.W105",
            f"The clock of the jobs' database, DATABASES[{alias!r}], is {in_words(seconds)}.",
            "Have both hosts keep their time by NTP.",
        )


def _shared_file(alias: str) -> Iterator[CheckMessage]:
    """Other tables are those of the default database, and of another alias for the same file."""
    if connections[alias].vendor != "sqlite":
        return
    file = os.path.realpath(str(connections[alias].settings_dict["NAME"]))
    others = [
        other
        for other in connections
        if other != alias and os.path.realpath(str(connections[other].settings_dict["NAME"])) == file
    ]
    if alias == "default" or others:
        yield Warning(
            f"The job store shares the SQLite file of DATABASES[{alias!r}] with other tables: a job that is started "
            "inside atomic() waits for that transaction to end, that is for itself, and fails.",
            hint='Give it a file of its own: DATABASES["jobs"], DjangoJobStore(using="jobs"), and '
            'DATABASE_ROUTERS = ["chanx.bridge.contrib.routers.JobsRouter"].',
            id="chanx.W103",
        )
