"""The Django app."""

from django.apps import AppConfig

from example_worker.app import app


class JobsConfig(AppConfig):
    name = "example_site.jobs"
    label = "jobs"
    verbose_name = "Jobs"

    def ready(self) -> None:
        # Celery's current app is a matter of the thread that made it; job topics live in another one.
        app.set_default()
