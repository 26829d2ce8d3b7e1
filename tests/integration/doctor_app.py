"""The Celery app of a worker that the doctor examines; with CHANX_NO_BRIDGE it does not know chanx,
with CHANX_ON_BUS it reaches the site over the event bus."""

import os

from celery import Celery

from chanx.bridge import install
from chanx.layers import LayerSpec

URL = os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")

app = Celery("doctor_app", broker=os.environ.get("CHANX_BROKER_URL", URL), backend=URL, set_as_current=False)
app.conf.update(broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)
if not os.environ.get("CHANX_NO_BRIDGE"):
    if os.environ.get("CHANX_ON_BUS"):
        install(app, store="event-bus://")
    else:
        install(app, store=URL, layer=LayerSpec.redis_pubsub(URL, prefix="shop"))
