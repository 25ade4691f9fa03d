"""The one Django application."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import connections
from django.db.models.signals import post_migrate


def _install_backstop(*, using: str, **_: Any) -> None:
    """SQLite drops a table's triggers silently when a migration rebuilds the table: create them anew each time."""
    from scheduler.models import backstop

    backstop.install(connections[using])


class SchedulerConfig(AppConfig):
    name = "scheduler"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from scheduler.services import catalogues

        catalogues.make_ready(settings.LOCALE_PATHS)
        post_migrate.connect(_install_backstop, sender=self)
