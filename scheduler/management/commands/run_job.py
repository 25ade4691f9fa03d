"""`manage.py run_job NAME [--now ISO]`: one background job, here and now."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from scheduler.services.jobs import JOBS


def moment(text: str) -> datetime:
    """An aware time from ISO 8601 with an offset. Raises CommandError (exit 2)."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as problem:
        raise CommandError(f"--now: “{text}” is not a time like 2026-11-30T10:00-05:00.", returncode=2) from problem
    if found.tzinfo is None:
        raise CommandError(f"--now: “{text}” has no offset, such as Z or -05:00.", returncode=2)
    return found.astimezone(UTC)


class Command(BaseCommand):
    help = f"Runs one background job and prints what it did as one JSON line. Jobs: {', '.join(JOBS)}."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the job")
        parser.add_argument("--now", metavar="ISO", help="run as if it were this time (with an offset)")

    def handle(self, *, name: str, now: str | None, **options: Any) -> None:
        job = JOBS.get(name)
        if job is None:
            raise CommandError(f"There is no job “{name}”. There are {', '.join(sorted(JOBS))}.", returncode=2)
        at = moment(now) if now is not None else timezone.now()
        self.stdout.write(json.dumps({"job": name, "now": at.isoformat(), **job(at)}))
