"""A Django app with a model, for tests of permissions on objects."""
