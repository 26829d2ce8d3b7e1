"""A Django site with users, sessions in the database, and their jobs: its settings, its URLs and its application.

The Redis is ``CHANX_REDIS_URL``, the prefix of all keys ``CHANX_PREFIX``, the database ``CHANX_DATABASE``.
"""

import os
from typing import Any

import django
from celery import Celery
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import include, path

from chanx.bridge import JobListTopic, JobTopic, install
from chanx.bridge.store.redis import RedisJobStore

URL, PREFIX = os.environ["CHANX_REDIS_URL"], os.environ["CHANX_PREFIX"]

settings.configure(
    SECRET_KEY="for tests of a whole site",
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["CHANX_DATABASE"]}},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "channels",
        "chanx.channels",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [URL], "prefix": PREFIX},
        }
    },
    ROOT_URLCONF="tests.integration.access_site",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    USE_TZ=True,
)
django.setup()

from django.contrib.auth import authenticate, login, logout  # noqa: E402  # once the settings are there
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402

from chanx.channels.websocket import AsyncJsonWebsocketConsumer  # noqa: E402

celery = Celery(PREFIX, broker=URL, backend=URL)
bridge = install(
    celery, store=RedisJobStore(URL, prefix=PREFIX), layer=RedisPubSubChannelLayer(hosts=[URL], prefix=PREFIX)
)


class JobsConsumer(AsyncJsonWebsocketConsumer):
    topics = [JobTopic, JobListTopic]


@csrf_exempt
def sign_in(request: HttpRequest) -> HttpResponse:
    user: Any = authenticate(username="ada", password="correct horse")
    login(request, user)
    return HttpResponse(str(user.pk))


@csrf_exempt
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse()


urlpatterns = [
    path("in/", sign_in),
    path("out/", sign_out),
    path("jobs/", include("chanx.channels.jobs")),
]

application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AuthMiddlewareStack(URLRouter([path("ws/", JobsConsumer.as_asgi())])),
    }
)
