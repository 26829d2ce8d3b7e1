"""The Django application ``chanx.channels``."""

from django.apps import AppConfig


class ChanxChannelsConfig(AppConfig):
    """Makes chanx known to Django."""

    name = "chanx.channels"
    label = "chanx_channels"
    verbose_name = "chanx"
