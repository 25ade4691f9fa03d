"""`manage.py load_protocols [FILE]`: bring in the protocol versions that are not here yet."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext

from scheduler.domain.errors import Malformed, Refused
from scheduler.services import protocols

LIBRARY = Path(settings.BASE_DIR) / "fixtures" / "protocols.json"


def read_rows(path: Path) -> list[Any]:
    """The file's list `protocols`. Raises CommandError (exit 2) with one line when it has none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise CommandError(f"{path}: {problem.strerror}", returncode=2) from problem
    except json.JSONDecodeError as problem:
        raise CommandError(
            f"{path}: line {problem.lineno}, column {problem.colno}: this is not JSON.", returncode=2
        ) from problem
    except UnicodeDecodeError as problem:
        raise CommandError(f"{path}: this is not UTF-8 text.", returncode=2) from problem
    rows = content.get("protocols") if isinstance(content, dict) else None
    if not isinstance(rows, list):
        raise CommandError(f"{path}: there is no list “protocols” in it.", returncode=2)
    return rows


class Command(BaseCommand):
    help = "Publishes the protocol versions of a file that are not here yet; never changes a published one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", nargs="?", type=Path, default=LIBRARY, metavar="FILE", help="absent: the library shipped"
        )

    def handle(self, *, file: Path, **options: Any) -> None:
        rows = read_rows(file)
        try:
            loaded = protocols.load(rows=rows, now=timezone.now())
        except Malformed as malformed:
            line = f"{file}: {malformed.field}: {malformed.say(gettext)}"
            raise CommandError(line, returncode=2) from malformed
        except Refused as refused:
            line = " ".join(refusal.say(gettext) for refusal in refused.refusals)
            raise CommandError(line) from refused
        self.stdout.write(f"{len(loaded.inserted)} protocols published, {len(loaded.present)} were here already.")
