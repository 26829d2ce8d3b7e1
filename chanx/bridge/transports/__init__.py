"""How a job's events get from a worker to the log and to the people who watch."""
