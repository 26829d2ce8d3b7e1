"""``manage.py chanx_new_epoch``: after a backup was put back in a way that the job store cannot see."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from chanx.bridge.contrib.commands import store_of
from chanx.bridge.contrib.database import APP


class Command(BaseCommand):
    help = (
        "Has every client that watches a job start over from its log. For after a backup was put back in place "
        "(a copied SQLite file, a copied data directory), which the job store cannot see; a dump that was read back, a "
        "restore to a point in time, and a replica that was promoted it sees by itself."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--database", help=f"the alias with the tables of {APP}; by default the installed store's")

    def handle(self, *args: Any, **options: Any) -> None:
        with store_of(options["database"]) as store:
            store.new_epoch()
        self.stdout.write("a new epoch has begun")
