"""The service in one place without an engine room: what `manage.py serve` starts and watches."""
