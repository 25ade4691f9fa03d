"""Upgrading keeps everything: a demo database as the first release's migrations made it, brought up to date.

`demo-0001.sql.gz` is `load_demo --today 2026-11-23` at migration 0001, as SQL. When a release is made, the next dump
stands beside it: `migrate` has to bring every one of them up to date.
"""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DUMPS = sorted(HERE.glob("demo-*.sql.gz"))
SOUND = (
    "import json; from datetime import datetime, UTC; from django.db import connection; "
    "from scheduler.models import backstop; from scheduler.queries import integrity; "
    "found = integrity.check(now=datetime(2026, 11, 23, 15, 30, tzinfo=UTC)); "
    "print(json.dumps({'missing': backstop.missing(connection), 'broken': [str(one) for one in found]}))"
)
# What migrating itself writes, and what it is free to change.
KEPT_BY_DJANGO = {"django_migrations", "django_content_type", "auth_permission", "sqlite_sequence"}


def manage(data: Path, *arguments: str) -> str:
    environment = {**os.environ, "DEBUG": "1", "DATA_DIR": str(data)}
    for name in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(file: Path) -> dict[str, list[dict[str, object]]]:
    """Every table's rows by column name, in the order of their ids."""
    with sqlite3.connect(file) as connection:
        connection.row_factory = sqlite3.Row
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            if name not in KEPT_BY_DJANGO
        ]
        return {
            name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}" ORDER BY 1')] for name in tables
        }


@pytest.fixture(params=DUMPS, ids=lambda dump: dump.name.split(".")[0])
def old(request, tmp_path):
    file = tmp_path / "scheduler.db"
    with sqlite3.connect(file) as connection:
        connection.executescript(gzip.decompress(request.param.read_bytes()).decode())
    return file


def test_an_older_demo_database_keeps_every_row(old):
    before = rows(old)
    assert len(before["scheduler_appointment"]) > 200
    manage(old.parent, "migrate", "-v0")
    after = rows(old)
    for table, kept in before.items():
        columns = kept[0].keys() if kept else ()
        now = [{name: row[name] for name in columns if name in row} for row in after[table]]
        assert now == kept, table


def test_an_upgraded_demo_database_has_its_backstop_and_is_sound(old):
    manage(old.parent, "migrate", "-v0")
    said = json.loads(manage(old.parent, "shell", "--no-imports", "-c", SOUND).splitlines()[-1])
    assert said == {"missing": [], "broken": []}
