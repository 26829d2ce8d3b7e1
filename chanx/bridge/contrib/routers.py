"""Keeps the tables of the job store in a database of their own."""

from __future__ import annotations

from django.db.models import Model

_LABEL = "chanx_jobs"


class JobsRouter:
    """For ``DATABASE_ROUTERS``: the tables of the job store are in DATABASES["jobs"], and nothing else is.

    ``database`` is the alias; derive a class to use another one.
    """

    database = "jobs"

    def db_for_read(self, model: type[Model], **_: object) -> str | None:
        return self.database if model._meta.app_label == _LABEL else None

    def db_for_write(self, model: type[Model], **_: object) -> str | None:
        return self.db_for_read(model)

    def allow_migrate(self, db: str, app_label: str, **_: object) -> bool | None:
        if app_label == _LABEL:
            return db == self.database
        return False if db == self.database else None
