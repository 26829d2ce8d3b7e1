"""What the admin needs of jobs that are in no table: a name for them, and permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    Chars = models.CharField[str, str]


class StoredJob(models.Model):
    """A job of the bridge's store. It has no table, so nothing can be asked of its manager."""

    job_id: Chars = models.CharField(max_length=64, primary_key=True)

    class Meta:
        managed = False
        verbose_name = "job"
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return self.job_id
