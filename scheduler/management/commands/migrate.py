"""migrate, under the owner's role where MIGRATION_DATABASE_URL names one; then the service's role gets its rights."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import connections

from scheduler.models import grants


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        if grants.OWNER in connections.databases:
            parser.set_defaults(database=grants.OWNER)

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if options["database"] != grants.OWNER or options["plan"] or options["check_unapplied"]:
            return
        connection = connections[grants.OWNER]
        role = str(connections.databases["default"]["USER"])
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            if cursor.fetchone() is None:
                raise CommandError(f'The role of DATABASE_URL, "{role}", is not there yet: CREATE ROLE it with LOGIN.')
        ways = grants.reaches(connection, role)
        if not ways:
            grants.give(connection, role)
            ways = grants.holds(connection, role)
        if ways:
            raise CommandError(
                f'The role of DATABASE_URL, "{role}", could change the record, since it ' + ", and ".join(ways) + "."
            )
