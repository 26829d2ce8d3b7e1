"""``chanx relay``: does on the site's side what workers on the event bus tell through their broker."""

from __future__ import annotations

import logging

import click

from chanx.cli.celery_app import app_option, bridge_of_app
from chanx.utils.extras import need


@click.command()
@app_option
@click.option("--bus", metavar="NAME", help="Which event bus, of several on one broker. [default: chanx]")
@click.option("--broker", metavar="URL", help="The broker of the workers. [default: that of the Celery app]")
@click.option("--celery-events", is_flag=True, help="Also tell of jobs what workers without chanx say: celery -E.")
@click.option("--health-port", type=click.IntRange(1, 65535), help="Says there over HTTP how it is: /live, /ready.")
@click.option("--health-host", default="127.0.0.1", show_default=True, help="Where it listens for that.")
def relay(
    app: str | None, bus: str | None, broker: str | None, celery_events: bool, health_port: int | None, health_host: str
) -> None:
    """Relay what workers on the event bus tell to the site's job store and channel layer.

    Run one beside the site, or several: one does the work of each queue, another takes over where it ends. It stops on
    SIGTERM or Ctrl-C.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    run_relay = need("chanx.bridge.relay.running", extra="bridge").run_relay
    health = None if health_port is None else (health_host, health_port)
    run_relay(bridge_of_app(app), name=bus, broker=broker, celery_events=celery_events, health=health)
