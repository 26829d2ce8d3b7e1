"""Django settings of the tests: what consumers and their database clean-up ask for, and no channel layer.

A test that needs a layer makes one and gives it to its consumer, or overrides CHANNEL_LAYERS.
"""

SECRET_KEY = "for tests"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "channels",
    "chanx.channels",
    "chanx.bridge.contrib",
    "tests.unit.channels.rooms",
]
CHANNEL_LAYERS: dict[str, object] = {}
USE_TZ = True
