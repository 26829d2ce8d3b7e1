"""Jobs in a Django project's own database: a job store for PostgreSQL and SQLite, its tables, and their admin.

Add ``"chanx.bridge.contrib"`` to ``INSTALLED_APPS``, run ``manage.py migrate``, and install the bridge with
``store=DjangoJobStore()`` from :mod:`chanx.bridge.contrib.store`. Workers then need Django too.
"""
