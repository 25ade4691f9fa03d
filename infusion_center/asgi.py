"""ASGI entry point, served by uvicorn.

Pages and the API are answered by Django's WSGI application, each request by one thread from its first line to its last.
Django's own ASGI application makes a thread for each request and goes there and back for each part of the middleware:
one to six milliseconds more of the processor for most calls (docs/decisions, 11). What is streamed for as long as a
page is open, under /live/, begins as a page and is then kept open by the event loop alone (scheduler/web/live.py).
"""

import os
import sqlite3
from pathlib import Path

from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from scheduler.web.body_limit import App, BodyLimit, Message, Receive, Send

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infusion_center.settings")

LIVE = "/live/"


def _kept_open() -> sqlite3.Connection | None:
    """One connection to SQLite's file for as long as the process lives. The others are closed when they are a minute
    old, and who closes the last one empties the write-ahead log into the file, which takes longer than to book."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3") or not Path(database["NAME"]).is_file():
        return None
    kept = sqlite3.connect(database["NAME"], check_same_thread=False)
    kept.execute("SELECT count(*) FROM sqlite_master").fetchone()  # it joins the log with the first read
    return kept


def _by_path(pages: App, live: App) -> App:
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        streamed = scope["type"] == "http" and scope["path"].startswith(LIVE)
        await (live if streamed else pages)(scope, receive, send)

    return application


# Django's response is an iterable of bytes, but its type says so in other words.
pages = WSGIMiddleware(get_wsgi_application(), workers=settings.WEB_THREADS)  # type: ignore[arg-type]

from scheduler.web.live import Live  # noqa: E402  # its models are there once Django is set up

application = BodyLimit(
    _by_path(pages, Live(pages)),
    most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    larger={"/imports/": settings.FILE_UPLOAD_MAX_MEMORY_SIZE},
)
kept_open = _kept_open()
