"""The admin of the store's jobs in a whole Django project."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

PROJECT = """
    import sys
    from celery import Celery
    from django.conf import settings

    settings.configure(
        SECRET_KEY="for tests",
        ALLOWED_HOSTS=["testserver"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.sqlite3"}},
        INSTALLED_APPS=[
            "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
            "django.contrib.messages", "django.contrib.sessions", "chanx.bridge.contrib.store_admin",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[{
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]},
        }],
        ROOT_URLCONF="__main__",
        STATIC_URL="/static/",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    import django

    django.setup()
    from django.contrib import admin
    from django.contrib.auth.models import Permission, User
    from django.core.management import call_command
    from django.test import Client
    from django.urls import path

    from chanx.bridge import install
    from chanx.bridge.store.memory import MemoryJobStore
    from chanx.layers import LayerSpec
    from tests.contract.jobs import Run, create
    from chanx.bridge.states import JobState

    urlpatterns = [path("admin/", admin.site.urls)]
    store = MemoryJobStore()
    app = Celery("project", broker="memory://")
    bridge = install(app, store=store, layer=LayerSpec.redis_pubsub("redis://127.0.0.1:1/0"))
    job_id = create(store, "user:7")
    Run(store, job_id).append(state=JobState.STARTED)

    call_command("check", fail_level="WARNING")
    call_command("migrate", verbosity=0)
    call_command("makemigrations", check_changes=True, dry_run=True)
    names = Permission.objects.filter(content_type__app_label="chanx_store").values_list("codename", flat=True)
    assert sorted(names) == ["change_storedjob", "view_storedjob"], names

    staff = User.objects.create_user("staff", password="x", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client(enforce_csrf_checks=True)
    assert client.get("/admin/chanx_store/storedjob/").status_code == 302  # to sign in
    client.force_login(staff)

    assert "/admin/chanx_store/storedjob/" in client.get("/admin/").content.decode()
    page = client.get("/admin/chanx_store/storedjob/").content.decode()
    link = page.partition('<th><a href="')[2].partition('"')[0]
    job_page = client.get(link)
    assert job_id in job_page.content.decode(), link
    cancel = job_page.content.decode().partition('<form method="post" action="/admin/chanx_store')[2].partition('"')[0]
    assert client.get(f"/admin/chanx_store{cancel}").status_code == 405
    assert client.post(f"/admin/chanx_store{cancel}").status_code == 403  # without the token
    token = job_page.content.decode().partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    done = client.post(f"/admin/chanx_store{cancel}", {"csrfmiddlewaretoken": token, "reason": "no"}, follow=True)
    assert "The job was asked to stop." in done.content.decode()
    assert store.snapshot(job_id).cancel_reason == "no"
    assert job_id in client.get("/admin/").content.decode()  # among the recent actions
    """


def test_a_whole_project_without_tables_of_jobs(tmp_path: Path) -> None:
    """From ``migrate`` to a cancelled job, as a browser does it."""
    root = Path(__file__).parents[3]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    (tmp_path / "project.py").write_text(dedent(PROJECT))
    done = subprocess.run(
        [sys.executable, "project.py"],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stdout + done.stderr
