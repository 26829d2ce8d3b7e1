"""The Django application ``chanx.channels``."""

from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.core.checks import register

from chanx.channels.checks import check_bridge, check_layers, check_packages, check_servers
from chanx.channels.signing_in import tell_of_sign_out


class ChanxChannelsConfig(AppConfig):
    """Makes chanx known to Django."""

    name = "chanx.channels"
    label = "chanx_channels"
    verbose_name = "chanx"

    def ready(self) -> None:
        """Give the project an empty ``CHANX`` if it has none: it is read for every frame, and a miss is slow."""
        if not hasattr(settings, "CHANX"):
            settings.CHANX = {}
        register(check_layers)
        register(check_bridge)
        register(check_packages)
        register(check_servers, deploy=True)
        user_logged_out.connect(tell_of_sign_out, dispatch_uid="chanx_sign_out")
