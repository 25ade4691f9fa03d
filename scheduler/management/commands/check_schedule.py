"""`manage.py check_schedule [--json]`: proves the promises over the whole database."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from scheduler.queries import integrity


class Command(BaseCommand):
    help = "Proves the promises over the whole database. Exit 1, with the rows that break one, where it is not sound."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")

    def handle(self, **options: Any) -> None:
        problems = integrity.check(now=timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps({"sound": not problems, "problems": [one.as_json() for one in problems]}))
        else:
            for one in problems:
                self.stdout.write(str(one))
            self.stdout.write(
                f"{len(problems)} problems found."
                if problems
                else "The schedule is sound: nothing overlaps, nothing is lost."
            )
        if problems:
            sys.exit(1)
