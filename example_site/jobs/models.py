"""What was uploaded, and by whom; the jobs themselves live in the bridge's store."""

import uuid

from django.conf import settings
from django.db import models


class Upload(models.Model):
    """A file on disk. Its name there is the id; the name it came with is only ever shown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    original_name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField(help_text="bytes")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.original_name
