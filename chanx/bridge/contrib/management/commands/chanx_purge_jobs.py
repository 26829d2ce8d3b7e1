"""``manage.py chanx_purge_jobs``: deletes the jobs whose retention is over."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from chanx.bridge.contrib.commands import store_of
from chanx.bridge.contrib.database import APP

_PORTION = 100


class Command(BaseCommand):
    help = "Deletes the jobs whose retention is over. Safe at any time, beside everything else; call it daily, say."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--database", help=f"the alias with the tables of {APP}; by default the installed store's")

    def handle(self, *args: Any, **options: Any) -> None:
        deleted = 0
        with store_of(options["database"]) as store:
            while portion := store.purge(limit=_PORTION):
                deleted += portion
        self.stdout.write(f"{deleted} jobs deleted")
