"""One run on one database: fill, measure, and say each figure beside its floors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection

from scheduler.domain.intervals import Interval
from scheduler.domain.placement import Wishes
from scheduler.management.benchmark import active_courses, floors, servers
from scheduler.management.benchmark.calls import Call, Timed, here, over_http, queries_of
from scheduler.management.benchmark.workload import Place, Size, Workload, fill
from scheduler.queries import needs
from scheduler.queries.search import best_slots, ground

API = "/api/v1"
CONTESTED_BY = 50
Watch = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """Milliseconds, but where `unit` says otherwise. `sql` is the floor of raw SQL; `aim` is what p50 should be."""

    what: str
    p50: float
    p95: float | None = None
    sql: float | None = None
    queries: int | None = None
    aim: float | None = None
    unit: str = "ms"
    note: str = ""

    @property
    def misses(self) -> bool:
        if self.aim is None:
            return False
        return self.p50 < self.aim if self.unit == "/s" else self.p50 > self.aim


def run(*, size: Size, now: datetime, directory: Path, watch: Watch) -> dict[str, Any]:
    """All figures as JSON. The database is migrated and empty."""
    watch(0.02, "Filling")
    workload = fill(size, now)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    port = servers.free_port()
    web = servers.web(port, directory / "web.log", {"PORT": str(port), "API_RATE": "off"})
    try:
        before = servers.memory_mb(web.pid)
        figures = [
            *_readings(workload, size, port, watch),
            *_bookings(workload, size, port, watch),
        ]
        after = servers.memory_mb(web.pid)
    finally:
        web.stop()
    watch(0.7, "Searching in process")
    figures.append(_in_process(workload, size, now))
    watch(0.75, "Extending courses")
    figures += _courses(workload, size, now)
    return {
        "database": connection.vendor,
        "booked": workload.booked,
        "memory": [before, after],
        "figures": [asdict(figure) for figure in figures],
    }


def _readings(workload: Workload, size: Size, port: int, watch: Watch) -> list[Figure]:
    def figure(what: str, call: Call, aim: float | None, floor: Callable[[], None] | None) -> Figure:
        watch(0.2, what)
        over_http(port, workload.key, [call] * 5)  # the first calls import and compile
        timed = over_http(port, workload.key, [call] * size.calls).only(200)
        sql = here(floor, size.calls).p50 if floor is not None else None
        return Figure(what, timed.p50, timed.p95, sql, queries_of(workload.key, call), aim)

    found = [figure("empty authenticated view (GET /centers/)", Call("GET", f"{API}/centers/"), None, None)]
    for days, aim in ((1, 6.0), (14, 15.0), (90, 40.0)):
        first, last = workload.at(0), workload.at(days)
        body = {"minutes": 120, "unit": workload.unit.pk, "from": first.isoformat(), "to": last.isoformat()}
        name = "1 day" if days == 1 else f"{days} days"
        found.append(
            figure(
                f"free 120-minute starts on any chair, {name}",
                Call("POST", f"{API}/slots/search/", body),
                aim,
                floors.search(workload, first, last),
            )
        )
    day = Call("GET", f"{API}/schedule/?unit={workload.unit.pk}&date={workload.monday}")
    board = Call("GET", f"/board/{workload.unit.code}/{workload.monday}/", session=workload.session)
    return [
        *found,
        figure("the day schedule with names and load", day, 8.0, floors.day(workload)),
        figure("the board of a day, a whole page", board, None, floors.day(workload)),
    ]


def _booking(workload: Workload, place: Place) -> Call:
    body = {
        "patient": place.patient,
        "chair": place.chair,
        "start": place.start.isoformat(),
        "protocol": workload.protocol.pk,
    }
    return Call("POST", f"{API}/appointments/", body)


def _bookings(workload: Workload, size: Size, port: int, watch: Watch) -> list[Figure]:
    waiting = iter(workload.places)

    def take(number: int) -> list[Place]:
        return [next(waiting) for _ in range(number)]

    found = []
    over_http(port, workload.key, [_booking(workload, place) for place in take(3)])
    one = take(1)[0]
    written, queries = floors.written_by(lambda: queries_of(workload.key, _booking(workload, one)), one)
    count = size.bookings // 2
    sql = here(floors.booking(workload, written, take(count + 1)), count)
    for clients, aim in ((1, 150.0), (8, 200.0)):
        what = f"bookings with every rule checked, {clients} client{'s' if clients > 1 else ''}"
        watch(0.5, what)
        calls = [_booking(workload, place) for place in take(count)]
        timed = over_http(port, workload.key, calls, clients=clients).only(201)
        rate = len(timed.took) / timed.seconds
        note = f"p50 {timed.p50:.1f} ms, p95 {timed.p95:.1f} ms; writes {written}"
        found.append(Figure(what, rate, None, count / sql.seconds, queries, aim, "/s", note))
    watch(0.6, "50 clients for one slot")
    return [*found, _contested(workload, port, take(1)[0], [place.patient for place in take(CONTESTED_BY)])]


def _contested(workload: Workload, port: int, place: Place, patients: list[int]) -> Figure:
    calls = [_booking(workload, Place(place.chair, patient, place.start)) for patient in patients]
    timed = over_http(port, workload.key, calls, clients=len(calls), at_once=True)
    said = {status: timed.statuses.count(status) for status in set(timed.statuses)}
    slowest = max(timed.took)
    note = ", ".join(f"{number} answered {status}" for status, number in sorted(said.items()))
    return Figure(f"{len(calls)} clients for one slot, slowest", slowest, aim=500.0, note=note)


def _in_process(workload: Workload, size: Size, now: datetime) -> Figure:
    need = needs.for_minutes(120)
    span = Interval(workload.at(0), workload.at(90))
    workload.unit.center = workload.center
    where = ground(unit=workload.unit, patient_id=None, need=need, span=span, now=now)
    timed: Timed = here(lambda: best_slots(where, need, span, wishes=Wishes()), size.calls)
    return Figure("90-day search over 24 chairs in process, rows given", timed.p50, timed.p95, aim=2.0)


def _courses(workload: Workload, size: Size, now: datetime) -> list[Figure]:
    later = now + timedelta(seconds=1)
    nothing, some, made = active_courses.extend(workload, size, later)
    full = size.courses >= 10_000
    return [
        Figure(f"extending {size.courses:,} active courses, nothing due", nothing, aim=3 if full else None, unit="s"),
        Figure(
            f"extending {size.courses:,} active courses, {made:,} visits due", some, aim=60 if full else None, unit="s"
        ),
    ]
