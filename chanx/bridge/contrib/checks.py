"""System checks of the job store: what would fail at the first job is said by ``manage.py check``.

E101  the store is used, but the application with its tables is not installed (in :mod:`.database`)
E102  the alias that it is given does not exist, or leads to a database that it cannot use
W103  its SQLite file is that of other tables, whose transactions would keep it waiting
W104  tables are missing (``check --database <alias>`` and ``migrate``)
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning
from django.db import connections
from django.db.utils import DatabaseError

from chanx.bridge.contrib.installed import installed_store
from chanx.errors import ConfigurationError


def check_store(**_: object) -> list[CheckMessage]:
    """E102 and W103: what the settings tell."""
    store = installed_store()
    if store is None:
        return []
    try:
        store.check_settings()
    except ConfigurationError as error:
        return [Error(str(error), id="chanx.E102")]
    return list(_shared_file(store.alias))


def check_tables(*, databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """W104: what the database tells."""
    store = installed_store()
    if store is None or store.alias not in (databases or ()):
        return []
    wanted = {model._meta.db_table for model in apps.get_app_config("chanx_jobs").get_models()}
    try:
        missing = wanted - set(connections[store.alias].introspection.table_names())
    except DatabaseError:  # a check of the tables is no check of the network
        return []
    if not missing:
        return []
    text = f"The job store's tables are missing in DATABASES[{store.alias!r}]: {', '.join(sorted(missing))}."
    return [Warning(text, hint=f"manage.py migrate --database={store.alias} makes them.", id="chanx.W104")]


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
