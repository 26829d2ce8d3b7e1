"""What a job's log says of everything that a Celery task can do, on real processes: a test per row of the signals."""
