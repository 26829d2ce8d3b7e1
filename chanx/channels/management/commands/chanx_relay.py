"""``manage.py chanx_relay``: does on the site's side what workers on the event bus tell through their broker."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chanx.errors import ChanxError
from chanx.utils.extras import need


class Command(BaseCommand):
    help = (
        "Relays what workers on the event bus tell to the site's job store and channel layer. Run one beside the site, "
        "or several: one does the work of each queue, another takes over where it ends."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--app", metavar="MODULE:APP", help="the Celery app; by default the project's")
        parser.add_argument("--bus", metavar="NAME", help="which event bus, of several on one broker; by default chanx")
        parser.add_argument("--broker", metavar="URL", help="the broker of the workers; by default that of the app")

        parser.add_argument(
            "--celery-events", action="store_true", help="also tell of jobs what workers without chanx say: celery -E"
        )

        parser.add_argument("--health-port", type=int, help="says there over HTTP how it is: /live and /ready")
        parser.add_argument(
            "--health-host", default="127.0.0.1", help="where it listens for that; by default 127.0.0.1"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        app = _named(options["app"]) if options["app"] else need("celery", extra="bridge").current_app
        bridge_of = need("chanx.bridge.installed", extra="bridge").bridge_of
        run_relay = need("chanx.bridge.relay.running", extra="bridge").run_relay
        try:
            run_relay(
                bridge_of(app),
                name=options["bus"],
                broker=options["broker"],
                celery_events=options["celery_events"],
                health=(options["health_host"], options["health_port"]) if options["health_port"] else None,
            )
        except ChanxError as error:
            raise CommandError(str(error)) from error


def _named(name: str) -> Any:
    try:
        return need("celery.app.utils", extra="bridge").find_app(name)
    except (AttributeError, ModuleNotFoundError) as error:
        raise CommandError(
            f"--app {name}: there is no such app: {error}. Write it as module:name, such as shop.celery:app."
        ) from error
