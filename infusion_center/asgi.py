"""ASGI entry point, served by uvicorn."""

import os
import sqlite3
from pathlib import Path

from django.conf import settings
from django.core.asgi import get_asgi_application

from scheduler.web.body_limit import BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infusion_center.settings")


def _kept_open() -> sqlite3.Connection | None:
    """One connection to SQLite's file for as long as the process lives. Each request opens its own, and who closes the
    last one empties the write-ahead log into the file, which takes longer than to book."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3") or not Path(database["NAME"]).is_file():
        return None
    kept = sqlite3.connect(database["NAME"], check_same_thread=False)
    kept.execute("SELECT count(*) FROM sqlite_master").fetchone()  # it joins the log with the first read
    return kept


application = BodyLimit(get_asgi_application(), most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
kept_open = _kept_open()
