"""Django's dummy, under another vendor's name."""

from django.db.backends.dummy.base import DatabaseWrapper as DummyWrapper


class DatabaseWrapper(DummyWrapper):
    vendor = "oracle"
