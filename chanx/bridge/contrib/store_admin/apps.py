"""The Django application ``chanx.bridge.contrib.store_admin``."""

from django.apps import AppConfig

LABEL = "chanx_store"


class ChanxStoreAdminConfig(AppConfig):
    """Makes the jobs of the store known to the admin."""

    name = "chanx.bridge.contrib.store_admin"
    label = LABEL
    verbose_name = "Jobs in the job store"
    default_auto_field = "django.db.models.BigAutoField"
