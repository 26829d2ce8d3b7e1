"""The ASGI application: pages, static files and the one WebSocket.

    http ──────> static files ──> Django
    websocket ─> origin check ──> session, user ──> JobsConsumer

Static files come from the same process, as in Django's own development server. That keeps the demo to one command;
a real site leaves them to its web server.
"""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

from chanx.channels.routing import include

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_site.settings")
django_application = get_asgi_application()

application = ProtocolTypeRouter(
    {
        "http": ASGIStaticFilesHandler(django_application),
        # By its name: the module needs the apps that Django has loaded by now.
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(include("example_site.jobs.routing"))),
    },
)
