"""The Celery application and the beat table: every background job on one screen.

Each tick is a bounded, idempotent sweep over rows that are due, so a tick that waited longer than one interval is
worthless: it expires, and an outage leaves no backlog. No countdown or ETA tasks, nothing published from a request.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import beat_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infusion_center.settings")
# `make run` as root in a container or on a scratch machine is fine; only pickled messages would make it dangerous.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")

app = Celery("infusion_center")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# task: seconds between two ticks
BEAT: dict[str, int] = {
    "scheduler.place_visits": 5,
    "scheduler.import_rows": 5,
    "scheduler.send_reminders": 10,
    "scheduler.expire_holds": 15,
    "scheduler.heartbeat": 15,
    "scheduler.offer_slots": 30,
    "scheduler.mark_no_shows": 60,
    "scheduler.seal_audit": 60,
    "scheduler.extend_courses": 300,
    "scheduler.write_sheets": 1800,
    "scheduler.purge_keys": 3600,
}
NIGHTLY: dict[str, Any] = {
    "scheduler.check_schedule": crontab(hour=3, minute=20),  # UTC
}

app.conf.beat_schedule = {
    **{
        task: {"task": task, "schedule": float(seconds), "options": {"expires": seconds}}
        for task, seconds in BEAT.items()
    },
    **{task: {"task": task, "schedule": when, "options": {"expires": 24 * 3600}} for task, when in NIGHTLY.items()},
}


@beat_init.connect
def _first_heartbeat(**_: Any) -> None:
    """Interval ticks come one interval after the start; `/readyz` shouldn't wait for that, nor the paper."""
    for task in ("scheduler.heartbeat", "scheduler.write_sheets"):
        app.send_task(task, expires=BEAT[task])
