"""The Django app."""

from importlib import import_module

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "example_site.jobs"
    label = "jobs"
    verbose_name = "Jobs"

    def ready(self) -> None:
        # Made here, in the main thread, so that Celery's current app is ours in every thread.
        import_module("example_worker.app")
