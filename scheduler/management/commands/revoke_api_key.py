"""`manage.py revoke_api_key PREFIX`: ends a key at once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from scheduler.domain.errors import NotFound
from scheduler.domain.permissions import Actor
from scheduler.services import api_keys


class Command(BaseCommand):
    help = "Revokes the API key that begins with PREFIX (its first twelve signs); the next call with it is refused."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", metavar="PREFIX")

    def handle(self, *, prefix: str, **options: Any) -> None:
        actor = Actor(who="command:revoke_api_key", role="operator", center_id=None)
        try:
            # A whole key may be pasted, too.
            row = api_keys.revoke(actor=actor, prefix=prefix[: api_keys.PREFIX_SIGNS], now=timezone.now())
        except NotFound as missing:
            raise CommandError("There is no key that begins so.", returncode=2) from missing
        self.stdout.write(f"“{row.name}” is revoked.")
