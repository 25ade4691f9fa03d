"""A database whose commits are real, put back from a template afterwards.

Django's flush can't be used: events are append-only, and the database refuses to empty their tables.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection, connections
from psycopg import sql


def database_url() -> str:
    """DATABASE_URL of the running test's database, for child processes."""
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    return f"postgresql://{config['USER']}@{config['HOST']}:{config['PORT']}/{config['NAME']}"


class Template:
    """The migrated, empty test database, kept aside once per test process."""

    def __init__(self) -> None:
        connections.close_all()
        self.name = str(connection.settings_dict["NAME"])
        self.copy = f"{self.name}_template"
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connections.close_all()
            shutil.copyfile(self.name, self.copy)
        else:
            self._clone(self.name, self.copy)

    def restore(self) -> None:
        """Throw away what was committed. Connections that somebody left open are cut."""
        connections.close_all()
        if connection.vendor == "sqlite":
            for suffix in ("", "-wal", "-shm"):
                Path(self.name + suffix).unlink(missing_ok=True)
            shutil.copyfile(self.copy, self.name)
        else:
            self._clone(self.copy, self.name)

    def _clone(self, source: str, target: str) -> None:
        config: dict[str, Any] = connection.settings_dict
        with psycopg.connect(
            host=config["HOST"], port=config["PORT"], user=config["USER"], dbname="postgres", autocommit=True
        ) as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(target)))
            admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(target), sql.Identifier(source))
            )
