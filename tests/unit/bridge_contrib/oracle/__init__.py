"""A database backend that the job store does not know."""
