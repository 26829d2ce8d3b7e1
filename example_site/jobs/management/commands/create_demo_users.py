"""`create_demo_users`: makes the two accounts of the demo, or sets their passwords again."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

NAMES = ("ada", "grace")
PASSWORD = "demo"


class Command(BaseCommand):
    help = "Makes the demo's users ada and grace (password: demo). For demonstrations only."

    def handle(self, *args: Any, **options: Any) -> None:
        for name in NAMES:
            user, created = get_user_model().objects.get_or_create(username=name)
            if not user.check_password(PASSWORD):
                user.set_password(PASSWORD)
                user.save(update_fields=["password"])
            self.stdout.write(f"{name}: {'created' if created else 'already there'}")
