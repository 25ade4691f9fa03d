"""`manage.py issue_api_key --name NAME --center CODE --role ROLE [--scope SCOPE ...]`: prints one key, nothing else."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext

from scheduler.domain import permissions
from scheduler.domain.errors import Malformed, NotFound
from scheduler.domain.permissions import Actor
from scheduler.services import api_keys


class Command(BaseCommand):
    help = "Issues an API key for one center and role; prints it, once, and nothing else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="what people recognise the key by")
        parser.add_argument("--center", required=True, metavar="CODE", help="the center's code, such as demo")
        parser.add_argument("--role", required=True, help=", ".join(permissions.ROLES))

        parser.add_argument(
            "--scope",
            action="append",
            help=f"may be given several times; all that the role has where left out: {', '.join(permissions.SCOPES)}",
        )

    def handle(self, *, name: str, center: str, role: str, scope: list[str] | None = None, **options: Any) -> None:
        actor = Actor(who="command:issue_api_key", role="operator", center_id=None)
        try:
            key = api_keys.issue(
                actor=actor, name=name, center_code=center, role=role, scopes=scope, now=timezone.now()
            )
        except Malformed as malformed:
            raise CommandError(f"--{malformed.field}: {malformed.say(gettext)}", returncode=2) from malformed
        except NotFound as missing:
            raise CommandError(f"--center: there is no center “{center}”.", returncode=2) from missing
        self.stdout.write(key)
