"""The Django app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "example_site.jobs"
    label = "jobs"
    verbose_name = "Jobs"
