"""Django settings of a worker whose jobs are in a database."""

import json
import os

SECRET_KEY = "for tests"
DATABASES = {"default": json.loads(os.environ.get("CHANX_TEST_DATABASE", "{}"))}
INSTALLED_APPS = ["chanx.bridge.contrib"]
USE_TZ = True
