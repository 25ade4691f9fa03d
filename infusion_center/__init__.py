"""Wiring only: settings, Celery, URLs, ASGI and WSGI. What the service does stands in `scheduler`."""
