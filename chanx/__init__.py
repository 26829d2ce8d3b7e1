"""Typed WebSocket consumers, and a bridge from Celery to the browser."""
