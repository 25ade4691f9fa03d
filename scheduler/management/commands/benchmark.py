"""`manage.py benchmark`: how quick the service is on this machine, beside what it cannot be quicker than."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from argparse import SUPPRESS, ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from scheduler.management.benchmark import history, measure, servers, table
from scheduler.management.benchmark.workload import FULL, QUICK, TINY
from scheduler.management.progress import Progress

CHOSEN = {"both": ("postgresql", "sqlite"), "none": ()}
SIZES = {"full": FULL, "quick": QUICK, "tiny": TINY}


class Command(BaseCommand):
    help = "Measures the service on scratch databases of its own; the service's database is not touched."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--database", choices=("sqlite", "postgresql", "both", "none"), default="both")
        parser.add_argument("--postgresql-url", help="an empty scratch database; without it a server is started")
        parser.add_argument("--quick", dest="size", action="store_const", const="quick", default="full")
        parser.add_argument("--tiny", dest="size", action="store_const", const="tiny", help=SUPPRESS)
        parser.add_argument(
            "--rows", type=int, nargs="+", metavar="N", default=[],
            help="also measures the day schedule beside so many appointments, in turn; on PostgreSQL",
        )  # fmt: skip
        parser.add_argument("--write", type=Path, metavar="FILE", help="also writes the page: docs/benchmarks.md")
        parser.add_argument("--measure-here", type=Path, help=SUPPRESS)  # in the child: the scratch directory

    def handle(self, **options: Any) -> None:
        if options["measure_here"]:
            self._measure(options["measure_here"], options["size"], options["rows"])
            return
        machine = table.machine()
        chosen = options["database"]
        results = []
        for database in CHOSEN.get(chosen, (chosen,)):
            results.append(self._scratch(database, options["postgresql_url"], options["size"], []))
        beside = []
        if options["rows"]:
            beside = self._scratch("postgresql", None, options["size"], options["rows"])["history"]
        command = "manage.py benchmark" + (f" --database {chosen}" if chosen != "both" else "")
        command += f" --{options['size']}" if options["size"] != "full" else ""
        command += f" --rows {' '.join(map(str, options['rows']))}" if options["rows"] else ""
        text = table.page(results, beside, day=f"{timezone.now():%Y-%m-%d %H:%M} UTC", machine=machine, command=command)
        self.stdout.write(text)
        if options["write"]:
            options["write"].write_text(text, encoding="utf-8")

    def _scratch(self, database: str, url: str | None, size: str, rows: list[int]) -> dict[str, Any]:
        """A child measures: its settings, and those of its web process, name the scratch database."""
        server = None
        with tempfile.TemporaryDirectory(prefix="benchmark-", dir="/tmp") as scratch:
            directory = Path(scratch)
            try:
                if database == "sqlite":
                    url = f"sqlite:///{directory}/scheduler.db"
                elif url is None:
                    server, address = servers.postgresql(directory / "pg")
                    url = f"{address}/postgres"
                environment = {
                    **{name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "EMAIL_URL")},
                    "DATABASE_URL": url, "DATA_DIR": str(directory / "data"), "SECRET_KEY": "only-for-a-benchmark-" * 3,
                    "DEBUG": "0", "BASE_URL": "http://127.0.0.1:8000", "WEB_CONCURRENCY": "1",
                }  # fmt: skip
                child = subprocess.run(
                    [sys.executable, "manage.py", "benchmark", "--measure-here", str(directory)]
                    + ([f"--{size}"] if size != "full" else [])
                    + (["--rows", *map(str, rows)] if rows else []),
                    cwd=settings.BASE_DIR, env=environment, stdout=subprocess.DEVNULL,
                )  # fmt: skip
                if child.returncode:
                    raise CommandError(f"The measurement on {database} stopped; the lines above say why.")
                return json.loads((directory / "result.json").read_text())
            finally:
                if server is not None:
                    server.stop()

    def _measure(self, directory: Path, size: str, rows: list[int]) -> None:
        progress = Progress()
        call_command("migrate", interactive=False, verbosity=0)
        how: dict[str, Any] = {
            "size": SIZES[size],
            "now": timezone.now(),
            "directory": directory,
            "watch": progress.show,
        }
        result = history.run(counts=rows, **how) if rows else measure.run(**how)
        progress.done()
        (directory / "result.json").write_text(json.dumps(result))
