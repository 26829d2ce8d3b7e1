"""Puts the bridge onto a Celery app: where jobs are kept, and how watchers are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from celery import Celery, current_app
from pydantic import BaseModel

from chanx.bridge.access import Access, Authorize, WatchesAs
from chanx.bridge.installed import Bridge, attach
from chanx.bridge.serializer import install as install_serializer
from chanx.bridge.store.base import JobStore, Retention
from chanx.bridge.store.redis import RedisJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.bridge.transports.event_bus.brokers import BrokerBus
from chanx.bridge.transports.event_bus.publisher import EventBusPublisher
from chanx.bridge.transports.event_bus.store import BUS_NAME, EventBusStore, valid_bus_name
from chanx.bridge.watch import Owner, watch_rules
from chanx.bridge.worker import doctor_command, janitor, leaving, signals, unreadable, watching
from chanx.errors import ConfigurationError
from chanx.layers import LayerSpec, Publisher, publisher_for

EVENT_BUS: Final = "event-bus://"


def install(
    app: Celery,
    *,
    store: str | JobStore,
    layer: object = None,
    retention: Retention | None = None,
    watch: bool | Sequence[str] = False,
    owner: Owner | None = None,
    models: Sequence[type[BaseModel]] = (),
    authorize: Authorize | None = None,
    watches_as: WatchesAs | None = None,
    secret: str | Sequence[str] | None = None,
    max_active_jobs: int | None = None,
) -> Bridge:
    """Installs the bridge on ``app``, for the processes that start jobs and for the workers that run them.

    ``store`` is a job store, or the URL of a :class:`~chanx.bridge.store.redis.RedisJobStore` (``redis://``,
    ``rediss://``, ``unix://``, ``redis+sentinel://``, ``rediss+sentinel://``). ``layer`` is the site's channel layer: a
    :class:`~chanx.layers.LayerSpec` where Django is not installed, or the layer object; by default the pub/sub layer of
    channels_redis on the store's Redis. A worker that reaches neither has ``store="event-bus://"``, and no
    layer: what it tells goes over the app's own broker to ``chanx relay`` (``event-bus://name``: one bus of several).
    ``retention`` says how much of each job that Redis keeps, and for how long; a job store is made with its own.
    Calling it again replaces the app's bridge.

    With ``owner`` ordinary tasks become jobs when they are published outside of any: those with the option
    ``@app.task(watch=True)``, and of the others all (``watch=True``) or those of certain names
    (``watch=["reports.*"]``). ``owner`` says whose they are: an owner string, or a function of the task's name,
    arguments and keyword arguments that returns a user object, an owner string, or None to leave the task alone. The
    job's id is then the task's.

    With ``models`` the app's tasks take and return these Pydantic models, anywhere in their arguments and results: see
    :func:`chanx.bridge.serializer.install`.

    Who may do what with a job, asked by topics and HTTP endpoints alike: its owner everything; who watches as one of
    its ``watchers``, and who has a token (:meth:`Bridge.token`), what that says. ``authorize(job, scope)`` takes the
    place of the first two: it returns True, False or the allowed actions (``{"subscribe"}``). ``watches_as(scope)``
    returns owner strings that a connection watches as beside its user's (``["project:7"]``). Both may be coroutine
    functions; plain ones run in a thread and may use the ORM; ``scope["user"]`` is who is signed in; if they raise,
    nothing is allowed. ``secret`` signs tokens, by default Django's ``SECRET_KEY``; of several the first signs, all
    are accepted. An owner can have ``max_active_jobs`` jobs that have not ended: beyond them ``start_job`` raises
    :class:`~chanx.errors.TooManyJobsError`.

    Raises :class:`~chanx.errors.ConfigurationError` or :class:`~chanx.errors.PublisherError`, naming what to change.
    """
    job_store = _store_of(app, store, retention)
    publisher = _publisher_of(store, job_store, layer)
    if max_active_jobs is not None and max_active_jobs < 1:
        raise ConfigurationError(f"install(max_active_jobs={max_active_jobs!r}): use 1 or more, or None for no limit")
    rules = watch_rules(watch, owner)
    access = Access.of(authorize, watches_as, secret)
    if models:
        install_serializer(app, *models)
    if current_app == app:
        # Celery's current app is a matter of the thread that made it: other threads, like that of an event loop or of
        # a request, take the default one.
        app.set_default()
    bridge = Bridge(app, job_store, DirectTransport(job_store, publisher), rules, access, max_active_jobs)
    attach(bridge)
    signals.connect()
    janitor.connect()
    unreadable.connect(app)
    leaving.connect()
    doctor_command.connect()
    if rules:
        watching.connect(app)
    return bridge


def _store_of(app: Celery, store: str | JobStore, retention: Retention | None) -> JobStore:
    if isinstance(store, str) and store.startswith(EVENT_BUS):
        if retention is not None:
            raise ConfigurationError("install(retention=) goes with the site's store, not with the event bus")
        return EventBusStore(BrokerBus(app), name=valid_bus_name(store.removeprefix(EVENT_BUS) or BUS_NAME))
    if isinstance(store, str):
        return RedisJobStore(store, retention=retention)
    if retention is None:
        return store
    raise ConfigurationError(f"install(retention=) goes with a URL: use store={type(store).__name__}(retention=...)")


def _publisher_of(store: str | JobStore, job_store: JobStore, layer: object) -> Publisher:
    if layer is not None:
        return publisher_for(layer)
    if isinstance(job_store, EventBusStore):
        return EventBusPublisher(job_store)
    if isinstance(store, str):
        return publisher_for(LayerSpec.redis_pubsub(store))
    raise ConfigurationError("install() needs layer=, the site's channel layer or its LayerSpec")
