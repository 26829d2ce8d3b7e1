"""The site's WebSocket routes."""

from channels.routing import URLRouter

from chanx.channels.routing import path
from example_site.jobs.consumers import JobsConsumer

router = URLRouter([path("ws/jobs/", JobsConsumer.as_asgi())])
