"""verify_record [--head HEAD] [--print-head]: whether the record is what was sealed.

Reads every sealed row. Exit code 0: sound; 1: something was edited, removed or cut off, one line for each place;
2: HEAD can't be read.
"""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Sum

from scheduler.models import Seal
from scheduler.services import seal

WIDTH = 40


class Command(BaseCommand):
    help = "Say whether the record of changes and readings is what was sealed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--head", default="", help="a head that was printed earlier: the chain must still contain it"
        )
        parser.add_argument(
            "--print-head", action="store_true", help="only print where the chain ends, to be kept elsewhere"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["print_head"]:
            self.stdout.write(seal.head())
            return
        try:
            problems = seal.verify(options["head"], seen=self._progress())
        except ValueError as strange:
            raise CommandError("HEAD is what --print-head printed, in quotes.", returncode=2) from strange
        if self.stderr.isatty():
            self.stderr.write("")
        for problem in problems:
            self.stdout.write(problem)
        if problems:
            raise CommandError(f"The record is not what was sealed: {len(problems)} places.", returncode=1)
        rows = Seal.objects.aggregate(rows=Sum("rows"))["rows"] or 0
        self.stdout.write(f"{rows} sealed rows, all as they were written.")
        self.stdout.write(f"head {seal.head()}")

    def _progress(self) -> Any:
        """A bar on a terminal, nothing anywhere else."""
        if not self.stderr.isatty():
            return lambda rows: None
        total = Seal.objects.aggregate(rows=Sum("rows"))["rows"] or 1
        done = 0

        def seen(rows: int) -> None:
            nonlocal done
            done += rows
            full = min(WIDTH, done * WIDTH // total)
            sys.stderr.write(f"\r{'█' * full}{'·' * (WIDTH - full)} {done} of {total} rows")
            sys.stderr.flush()

        return seen
