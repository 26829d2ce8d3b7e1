"""Settings of the example site; the only place of it that reads the environment.

| variable | meaning | default |
|---|---|---|
| CHANX_REDIS_URL | the Redis server of channel layer, broker and job log | redis://127.0.0.1:6379/0 |
| EXAMPLE_DATA_DIR | database, secret key | example_site/var |
| EXAMPLE_UPLOAD_DIR | uploaded files, read by the worker | <data>/uploads |
| EXAMPLE_MAX_UPLOAD_MB | how much is taken at once, in one file or several | 100 |
| EXAMPLE_ALLOWED_HOSTS | more host names, separated by commas | |
| EXAMPLE_SECRET_KEY | Django's secret key | made once, kept in the data directory |
| EXAMPLE_DEBUG | 1 for Django's debug pages | 0 |
"""

import os
from pathlib import Path

from example_site import secret_key

BASE_DIR = Path(__file__).resolve().parent
DATA_DIR = Path(os.environ.get("EXAMPLE_DATA_DIR") or BASE_DIR / "var").resolve()
UPLOAD_DIR = Path(os.environ.get("EXAMPLE_UPLOAD_DIR") or DATA_DIR / "uploads").resolve()
for directory in (DATA_DIR, UPLOAD_DIR):
    directory.mkdir(parents=True, exist_ok=True)

REDIS_URL = os.environ.get("CHANX_REDIS_URL") or "redis://127.0.0.1:6379/0"

DEBUG = os.environ.get("EXAMPLE_DEBUG") == "1"
SECRET_KEY = os.environ.get("EXAMPLE_SECRET_KEY") or secret_key.load_or_create(DATA_DIR / "secret_key")
# The WebSocket's Origin is checked against this list, too.
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS += [host.strip() for host in os.environ.get("EXAMPLE_ALLOWED_HOSTS", "").split(",") if host.strip()]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
    "chanx.channels",
    "example_site.jobs",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "example_site.jobs.middleware.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ],
        },
    },
]
ROOT_URLCONF = "example_site.urls"
ASGI_APPLICATION = "example_site.asgi.application"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "site.sqlite3",
        "OPTIONS": {
            # One writer at a time: wait for it, and take the write lock at once instead of failing half-way.
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    },
}
CHANX = {
    "LOG_WEBSOCKET_MESSAGE": False,
    "ASYNCAPI_TITLE": "Live jobs",
    "ASYNCAPI_DESCRIPTION": "The WebSocket of the example site: start jobs, watch them while they run, cancel them.\n\n"
    "A connection is its user's by the session cookie of the pages; the server closes it with 4401 where nobody is "
    "signed in.",
}

LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign_in"

STATIC_URL = "static/"

MAX_UPLOAD_MB = int(os.environ.get("EXAMPLE_MAX_UPLOAD_MB") or 100)
MAX_UPLOAD_BYTES = MAX_UPLOAD_MB * 1024 * 1024
MAX_UPLOAD_FILES = 100
# Up to here the form says that there are too many; beyond, Django does not even read them.
DATA_UPLOAD_MAX_NUMBER_FILES = 1000
FILE_UPLOAD_HANDLERS = ["example_site.jobs.uploads.BoundedUploadHandler"]
# On the file system of the final place, so that keeping an upload is a rename.
FILE_UPLOAD_TEMP_DIR = UPLOAD_DIR

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "filters": {
        "no_advice": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: "HTTP/2" not in str(record.msg),
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["no_advice"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"django": {"handlers": ["console"], "level": "INFO", "propagate": False}},
}
