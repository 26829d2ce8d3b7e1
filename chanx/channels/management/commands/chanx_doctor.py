"""``manage.py chanx_doctor``: what is wrong with the project's set-up, each with what to change."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chanx.channels.doctor import django_project
from chanx.doctor.finding import Level
from chanx.errors import ChanxError
from chanx.utils.extras import need


class Command(BaseCommand):
    help = (
        "Says what is wrong with a set-up: channel layer, job store, broker and workers, from where it is run. Run it "
        "where the site runs. Nothing is changed: it asks, and sends messages to a group of its own on the layers. "
        "The exit code is 1 where there are errors."
    )
    requires_system_checks = ()  # it says what they say, and more

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--app", metavar="MODULE:APP", help="the Celery app; by default the project's")
        parser.add_argument("--timeout", type=float, default=2.0, help="seconds for each answer; by default 2")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of text")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["timeout"] >= 0.1:
            raise CommandError("--timeout: use seconds, 0.1 or more.")
        try:
            diagnosis = django_project(_bridge(options["app"])).diagnosis(seconds=options["timeout"])
        except ChanxError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(diagnosis.json if options["json"] else diagnosis.text(self._styled))
        if diagnosis.has_errors:
            sys.exit(1)

    def _styled(self, text: str, level: Level | None) -> str:
        styles = {"error": self.style.ERROR, "warning": self.style.WARNING, "info": self.style.NOTICE}
        return text if level is None else styles[level](text)


def _bridge(app: str | None) -> Any:
    """None for a project without Celery, or whose app has none."""
    if app:
        found = need("celery.app.utils", extra="bridge").find_app(app)
        return need("chanx.bridge.installed", extra="bridge").bridge_of(found)
    if "celery" not in sys.modules:
        return None
    installed = need("chanx.bridge.installed", extra="bridge")
    return installed.bridge_or_none(installed.project_app())
