"""The demo's side-by-side runner: a server, the site and a Celery worker in one terminal."""
