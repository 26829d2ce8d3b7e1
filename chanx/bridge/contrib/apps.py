"""The Django application ``chanx.bridge.contrib``."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from chanx.bridge.contrib.checks import check_database, check_store

LABEL = "chanx_jobs"


class ChanxJobsConfig(AppConfig):
    """Makes the tables of the job store known to Django."""

    name = "chanx.bridge.contrib"
    label = LABEL
    verbose_name = "Jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(check_store)
        register(check_database, Tags.database)
