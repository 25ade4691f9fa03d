"""migrate, under the owner's role where MIGRATION_DATABASE_URL names one; then the service's role gets its rights.

Exit code 1 where the service's role could change the record all the same; the ways are named.
"""

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
        service = connections.databases["default"]
        role = str(service["USER"])
        if not grants.make(connection, role, str(service.get("PASSWORD") or "")):
            raise CommandError(
                f'The role of DATABASE_URL, "{role}", is not there, and that of MIGRATION_DATABASE_URL may not make '
                "it. Make it with CREATE ROLE and LOGIN."
            )
        ways = grants.reaches(connection, role)
        if not ways:
            grants.give(connection, role)
            ways = grants.holds(connection, role)
        if ways:
            raise CommandError(
                f'The role of DATABASE_URL, "{role}", could change the record, since it ' + ", and ".join(ways) + "."
            )
