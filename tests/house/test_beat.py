"""The beat table: every job has a tick, every tick a job, and no tick outlives its interval."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery.schedules import crontab

from infusion_center.celery import app

app.loader.import_default_modules()
ENTRIES = sorted(app.conf.beat_schedule)


def test_every_job_has_a_tick_and_every_tick_a_job() -> None:
    assert set(ENTRIES) == {name for name in app.tasks if name.startswith("scheduler.")}


@pytest.mark.parametrize("name", ENTRIES)
def test_a_tick_expires_after_one_interval(name: str) -> None:
    entry = app.conf.beat_schedule[name]
    every = entry["schedule"]
    seconds = timedelta(days=1).total_seconds() if isinstance(every, crontab) else every
    assert entry["task"] == name
    assert entry["options"]["expires"] == seconds


@pytest.mark.parametrize("name", ENTRIES)
def test_a_job_keeps_no_result_and_is_acknowledged_before_it_runs(name: str) -> None:
    assert app.tasks[name].ignore_result
    assert not app.tasks[name].acks_late


def test_a_hanging_broker_holds_beat_up_for_seconds_only() -> None:
    options = app.conf.broker_transport_options
    assert options["socket_timeout"] <= 5
    assert options["socket_connect_timeout"] <= 5
    assert app.conf.task_publish_retry is False
