"""PostgreSQL is killed while people book: what was acknowledged is there, and the service comes back by itself."""

from __future__ import annotations

import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from time import perf_counter

import pytest
from django.core.management import call_command
from django.db import connection, connections

from scheduler.models import Appointment
from tests.races.crowd import Caller, latencies, statuses
from tests.races.site import CHAIRS, Site, overlaps
from tests.support.postgresql import PostgreSQL
from tests.support.processes import WebServer
from tests.support.waiting import wait_for

CLIENTS = 8


@pytest.fixture
def server(committed_db: None) -> Iterator[PostgreSQL]:
    """A PostgreSQL of the drill's own, whose commits are durable, as this test's database."""
    with tempfile.TemporaryDirectory(prefix="drill-") as directory:  # the path of a unix socket must be short
        own = PostgreSQL(Path(directory) / "pg", durable=True)
        own.start()
        config = connection.settings_dict
        before = {name: config[name] for name in ("PORT", "NAME")}
        connections.close_all()
        config |= {"PORT": own.port, "NAME": "postgres"}
        try:
            call_command("migrate", verbosity=0)
            yield own
        finally:
            connections.close_all()
            config |= before
            own.stop()


@pytest.fixture
def site(server: PostgreSQL, tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        webs = [WebServer(tmp_path / f"web-{number}.log", environment={"API_RATE": "off"}) for number in range(2)]
        for web in webs:
            stack.callback(web.kill)
        yield Site([web.port for web in webs])


class Booker:
    """Books one place after the other on two chairs of her own, whatever happens."""

    def __init__(self, site: Site, number: int) -> None:
        self.site, self.number = site, number
        self.call: Caller = site.caller(number)
        self.patients = site.patients(2)
        self.kept: list[int] = []

    def run(self, stop: threading.Event) -> None:
        for turn in count():
            day, hour, which = turn // 18, 8 + turn // 2 % 9, turn % 2
            if stop.is_set():
                break
            chair = (2 * self.number + which) % CHAIRS
            answer = self.site.book(self.call, self.patients[which], chair, self.site.at(day, hour))
            if answer.ok:
                self.kept.append(answer.body["id"])
            elif answer.status == 503:
                stop.wait(0.2)  # as Retry-After asks, only sooner


def test_no_acknowledged_booking_is_lost_when_postgresql_is_killed(
    server: PostgreSQL, site: Site, rounds: Callable[[int, int], int], note: Callable[[str], None]
) -> None:
    kills = rounds(2, 20)
    bookers = [Booker(site, number) for number in range(CLIENTS)]
    stop = threading.Event()
    threads = [threading.Thread(target=booker.run, args=(stop,), daemon=True) for booker in bookers]
    back: list[float] = []

    def kept() -> int:
        return sum(len(booker.kept) for booker in bookers)

    def more(number: int) -> None:
        goal = kept() + number
        wait_for(lambda: kept() >= goal, 60)

    connections.close_all()
    for thread in threads:
        thread.start()
    try:
        for _ in range(kills):
            more(2 * CLIENTS)
            server.kill()
            server.run()
            began = perf_counter()
            more(1)
            back.append(perf_counter() - began)
        more(2 * CLIENTS)
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    answers = [answer for booker in bookers for answer in booker.call.answers]
    said = statuses(answers)
    assert set(said) <= {201, 503}, said
    refused = Counter(answer.body["code"] for answer in answers if answer.status == 503)
    assert set(refused) <= {"busy", "unavailable"}, refused
    acknowledged = {pk for booker in bookers for pk in booker.kept}
    assert len(acknowledged) == kept()
    rows = set(Appointment.objects.filter(status="booked").values_list("pk", flat=True))
    assert acknowledged - rows == set()
    # Committed, and the server died before it could say so: none of these was told that nothing was written.
    unheard = len(rows - acknowledged)
    assert unheard <= refused["unavailable"]
    assert overlaps("chair") == 0
    assert overlaps("patient") == 0
    note(
        f"killed {kills} times under {CLIENTS} clients: {len(acknowledged)} acknowledged bookings, all there; "
        f"{said[503]} answers of 503, none of 500; {unheard} written that nobody could be told of; first booking "
        f"{max(back):.1f} s after the server's return at the latest; {latencies(answers)}"
    )
