"""Celery's door to the jobs: each task reads the clock and runs one of JOBS. No arguments, no results.

Acknowledged early: the rows are the truth, and the next tick finds what this one left.
"""

from __future__ import annotations

import logging
from datetime import datetime

from celery import shared_task
from django.utils import timezone

from scheduler.services import heartbeats
from scheduler.services.jobs import JOBS

log = logging.getLogger(__name__)


def _run(name: str) -> None:
    now = timezone.now()
    counts = JOBS[name](now)
    heartbeats.beat(name, now=now, detail=counts)
    if counts:
        log.info("%s: %s", name, ", ".join(f"{count} {what}" for what, count in counts.items()))


@shared_task(name="scheduler.place_visits", ignore_result=True, acks_late=False)
def place_visits() -> None:
    _run("place-visits")


@shared_task(name="scheduler.extend_courses", ignore_result=True, acks_late=False)
def extend_courses() -> None:
    _run("extend-courses")


@shared_task(name="scheduler.send_reminders", ignore_result=True, acks_late=False)
def send_reminders() -> None:
    _run("send-reminders")


@shared_task(name="scheduler.expire_holds", ignore_result=True, acks_late=False)
def expire_holds() -> None:
    _run("expire-holds")


@shared_task(name="scheduler.mark_no_shows", ignore_result=True, acks_late=False)
def mark_no_shows() -> None:
    _run("mark-no-shows")


@shared_task(name="scheduler.offer_slots", ignore_result=True, acks_late=False)
def offer_slots() -> None:
    _run("offer-slots")


@shared_task(name="scheduler.seal_audit", ignore_result=True, acks_late=False)
def seal_audit() -> None:
    _run("seal-audit")


@shared_task(name="scheduler.purge_keys", ignore_result=True, acks_late=False)
def purge_keys() -> None:
    _run("purge-keys")


@shared_task(name="scheduler.write_sheets", ignore_result=True, acks_late=False)
def write_sheets() -> None:
    _run("write-sheets")


@shared_task(name="scheduler.import_rows", ignore_result=True, acks_late=False)
def import_rows() -> None:
    _run("import-rows")


@shared_task(name="scheduler.check_schedule", ignore_result=True, acks_late=False)
def check_schedule() -> None:
    _run("check-schedule")


@shared_task(name="scheduler.heartbeat", ignore_result=True, acks_late=False)
def heartbeat() -> None:
    """A worker lives, and beat lives: only beat sends this."""
    now: datetime = timezone.now()
    heartbeats.beat("worker", now=now)
    heartbeats.beat("beat", now=now)
