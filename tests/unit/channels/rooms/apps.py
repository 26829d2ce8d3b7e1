"""The app ``rooms``."""

from django.apps import AppConfig


class RoomsConfig(AppConfig):
    name = "tests.unit.channels.rooms"
    label = "rooms"
    default_auto_field = "django.db.models.BigAutoField"
