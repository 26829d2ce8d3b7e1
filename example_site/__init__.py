"""A small Django site that shows chanx: upload a file, watch the Celery job that reads it."""
