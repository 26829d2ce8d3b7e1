"""Rooms that have members."""

import uuid

from django.contrib.auth.models import User
from django.db import models


class Room(models.Model):
    """A room, found by number, name or UUID."""

    name = models.CharField(max_length=50, unique=True)
    code = models.UUIDField(default=uuid.uuid4)
    members = models.ManyToManyField(User)

    class Meta:
        app_label = "rooms"
