"""Worker and beat outlive their broker: hanging or gone, the jobs run again once it is back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from scheduler.models import Heartbeat
from tests.support.broker import Broker
from tests.support.processes import CeleryWorker
from tests.support.waiting import wait_for


def last_beat() -> datetime | None:
    return Heartbeat.objects.filter(name="expire-holds").values_list("at", flat=True).first()


@pytest.mark.parametrize("outage", ["killed", "stopped"])
def test_jobs_run_again_after_the_broker_was_away(
    celery_worker: Callable[..., CeleryWorker], broker: Broker, outage: str
) -> None:
    worker = celery_worker()
    worker.send("scheduler.expire_holds")
    before = worker.wait_until(last_beat, 20)
    if outage == "killed":
        broker.kill()
        wait_for(lambda: "onnection" in worker.output(), 20)
        broker.restart()
    else:
        broker.stop()
        wait_for(lambda: not worker.answers(), 20)
        broker.cont()
    worker.wait_until(worker.answers, 40)
    worker.send("scheduler.expire_holds")
    worker.wait_until(lambda: last_beat() != before, 20)
