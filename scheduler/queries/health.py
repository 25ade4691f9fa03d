"""Whether the service can do its work: each part by name, for `/readyz`; and counts for `/metrics`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count, Min, Model

from scheduler.models import Appointment, Breaker, Course, Heartbeat, LedgerEntry, Visit, backstop

# The heartbeat comes every 15 s; four of them may be lost while a long job runs.
ALIVE = timedelta(seconds=75)
SKEW_ALLOWED = timedelta(seconds=5)
BROKER_SECONDS = 1.0
PROCESSES = ("worker", "beat")


@dataclass(frozen=True, slots=True)
class Check:
    """One part and how it is; `detail` has no address, name or password in it."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class SheetFiles:
    """When the day sheets were last written into their folder, and how many could not be."""

    at: datetime
    failed: int


def checks(*, now: datetime) -> list[Check]:
    """Database, its constraints and triggers, clock skew, broker, worker and beat, always all of them."""
    found = [_broker()]
    try:
        found += [_database(), _backstop(), _clock_skew(now), *_heartbeats(now)]
    except DatabaseError as problem:
        known = {check.name for check in found}
        names = ("database", "backstop", "clock_skew", *PROCESSES)
        found += [Check(name, False, type(problem).__name__) for name in names if name not in known]
    return sorted(found, key=lambda check: check.name)


def metrics(*, now: datetime) -> Iterator[tuple[str, str, str, float]]:
    """Name, what it says, labels (`state="due"` or empty), value."""
    for status, count in _by(Appointment, "status"):
        yield "scheduler_appointments", "Appointments by status.", f'status="{status}"', count
    for state, count in _by(Visit, "state"):
        yield "scheduler_visits", "Visits by state.", f'state="{state}"', count
    for status, count in _by(Course, "status"):
        yield "scheduler_courses", "Courses by status.", f'status="{status}"', count
    for state, count in _by(LedgerEntry, "state"):
        yield "scheduler_messages", "Messages and calls by state.", f'state="{state}"', count
    written = LedgerEntry.objects.filter(state="due", channel__in=["email", "text"], due__lte=now)
    oldest = written.aggregate(due=Min("due"))["due"]
    lag = (now - oldest).total_seconds() if oldest is not None else 0
    yield "scheduler_mail_lag_seconds", "How long the oldest due mail waits.", "", lag
    for row in Breaker.objects.order_by("channel"):
        down = (now - row.open_since).total_seconds() if row.open_since is not None else 0
        label = f'channel="{row.channel}"'
        yield "scheduler_server_down_seconds", "For how long a channel's server has not answered.", label, down
    beats = list(Heartbeat.objects.order_by("name"))
    for beat in beats:
        age = (now - beat.at).total_seconds()
        yield "scheduler_heartbeat_age_seconds", "Since a process or job last ran.", f'name="{beat.name}"', age
    for beat in beats:
        failed = beat.detail.get("failed", 0)
        yield "scheduler_job_failed", "Rows or files that a job's last run could not do.", f'name="{beat.name}"', failed


def sheets() -> SheetFiles | None:
    """How the day sheets' folder is; None before they were written for the first time."""
    beat = Heartbeat.objects.filter(name="write-sheets").first()
    return SheetFiles(beat.at, beat.detail.get("failed", 0)) if beat is not None else None


def _database() -> Check:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return Check("database", True, connection.vendor)


def _backstop() -> Check:
    absent = backstop.missing(connection)
    return Check("backstop", not absent, ", ".join(absent) if absent else "all constraints and triggers")


def _clock_skew(now: datetime) -> Check:
    sql = {"postgresql": "SELECT extract(epoch FROM clock_timestamp())"}.get(
        connection.vendor, "SELECT (julianday('now') - 2440587.5) * 86400.0"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        (seconds,) = cursor.fetchone()
    skew = abs(datetime.fromtimestamp(float(seconds), UTC) - now)
    return Check("clock_skew", skew <= SKEW_ALLOWED, f"{skew.total_seconds():.1f} s")


def _heartbeats(now: datetime) -> Iterator[Check]:
    beats = dict(Heartbeat.objects.filter(name__in=PROCESSES).values_list("name", "at"))
    for name in PROCESSES:
        if name not in beats:
            yield Check(name, False, "no sign of life yet")
            continue
        age = now - beats[name]
        yield Check(name, age <= ALIVE, f"last seen {age.total_seconds():.0f} s ago")


def _broker() -> Check:
    # Celery's own word for a socket is redis+socket://, the client's is unix://.
    url = settings.REDIS_URL.replace("redis+socket://", "unix://", 1)
    client = redis.Redis.from_url(url, socket_connect_timeout=BROKER_SECONDS, socket_timeout=BROKER_SECONDS, retry=None)
    try:
        client.ping()
    except redis.RedisError as problem:
        return Check("broker", False, type(problem).__name__)
    finally:
        client.close()
    return Check("broker", True, "answers")


def _by(model: type[Model], field: str) -> list[tuple[str, int]]:
    rows = model._default_manager.values_list(field).annotate(count=Count("pk")).order_by(field)
    return [(str(value), count) for value, count in rows]
