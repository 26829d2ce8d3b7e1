"""Puts the bridge onto a Celery app: where jobs are kept, and how watchers are told."""

from __future__ import annotations

from celery import Celery, current_app

from chanx.bridge.installed import Bridge, attach
from chanx.bridge.store.base import JobStore
from chanx.bridge.store.redis import RedisJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.bridge.worker import janitor, signals
from chanx.errors import ConfigurationError
from chanx.layers import LayerSpec, publisher_for


def install(app: Celery, *, store: str | JobStore, layer: object = None) -> Bridge:
    """Installs the bridge on ``app``, for the processes that start jobs and for the workers that run them.

    ``store`` is a Redis URL (``redis://``, ``rediss://``, ``unix://``) or a job store. ``layer`` is the site's channel
    layer: a :class:`~chanx.layers.LayerSpec` where Django is not installed, or the layer object; by default the pub/sub
    layer of channels_redis on the store's Redis. Calling it again replaces the app's bridge.

    Raises :class:`~chanx.errors.ConfigurationError` or :class:`~chanx.errors.PublisherError`, naming what to change.
    """
    if layer is None:
        if not isinstance(store, str):
            raise ConfigurationError("install() needs layer=, the site's channel layer or its LayerSpec")
        layer = LayerSpec.redis_pubsub(store)
    job_store = RedisJobStore(store) if isinstance(store, str) else store
    if current_app == app:
        # Celery's current app is a matter of the thread that made it: other threads, like that of an event loop or of
        # a request, take the default one.
        app.set_default()
    bridge = Bridge(app, job_store, DirectTransport(job_store, publisher_for(layer)))
    attach(bridge)
    signals.connect()
    janitor.connect()
    return bridge
