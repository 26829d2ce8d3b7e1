"""The jobs of whatever store the bridge has, Redis above all, in Django's admin.

Add ``"chanx.bridge.contrib.store_admin"`` to ``INSTALLED_APPS``, beside ``"django.contrib.admin"``. It has no tables;
``manage.py migrate`` makes its permissions.
"""
