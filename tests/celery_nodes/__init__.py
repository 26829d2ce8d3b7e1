"""pytest-celery's nodes as processes instead of containers: broker, result backend and workers, without Docker."""
