"""A point in time as the database keeps it for the job store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    TimeColumn = models.Field[datetime, datetime]
else:
    TimeColumn = models.Field


class UnixTimeField(TimeColumn):
    """An aware ``datetime`` in UTC in Python, seconds since 1970 in the database.

    So a time means the same to every process, whatever USE_TZ and TIME_ZONE say, and the store's clock can be the
    database's own. ``to_timestamp(column)`` shows it in PostgreSQL, ``datetime(column, 'unixepoch')`` in SQLite.
    """

    def get_internal_type(self) -> str:
        return "FloatField"

    def from_db_value(self, value: float | None, *_: object) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value, UTC)

    def to_python(self, value: Any) -> datetime | None:
        return value if value is None or isinstance(value, datetime) else datetime.fromtimestamp(float(value), UTC)

    def get_prep_value(self, value: Any) -> float | None:
        return value.timestamp() if isinstance(value, datetime) else value
