"""What must be true after every step, whatever it was: the promises, read from rows by the oracle's own eyes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from scheduler.queries import integrity
from tests.stateful import rows
from tests.stateful.dues import dues
from tests.stateful.picture import Booking, Picture, dates
from tests.stateful.rules import overlaps
from tests.stateful.world import REMINDER_DAYS, REMINDER_MINUTE, World

# Say only that a job has not run since; the steps that run it ask for them.
A_JOB_WILL = {"unplaced_visit_says_why", "due_visits_are_generated"}


def check(world: World, database: rows.Database, picture: Picture, now: datetime) -> None:
    assert overlaps(picture) == []
    _occupancies(database, picture)
    _visits(picture)
    _dues(world, picture)
    _promised_times(database)
    _reminders(world, database, picture, now)


def proof(now: datetime) -> None:
    """The service's own proof of its promises finds nothing either."""
    problems = [problem for problem in integrity.check(now=now) if problem.rule not in A_JOB_WILL]
    assert not problems, problems


def _occupancies(database: rows.Database, picture: Picture) -> None:
    """A live booking takes its patient's time, and its chair's unless its stay does; nothing else takes anything."""
    wanted: set[tuple[Any, ...]] = set()
    for row in picture.live():
        chair = (None, None, None) if row.stay is not None else (row.chair, row.chair_from, row.chair_until)
        hers = (None, None, None) if row.patient is None else (row.patient, row.chair_from, row.care_until)
        wanted.add((row.pk, None, *chair, *hers))
    for course, (chair_, first, until) in picture.stays().items():
        wanted.add((None, course, chair_, first, until, None, None, None))
    names = ("appointment_id", "stay_id", "chair_id", "chair_from", "chair_until")
    names += ("patient_id", "patient_from", "patient_until")
    taken = {tuple(row[name] for name in names) for row in database["Occupancy"].values()}
    assert taken == wanted, f"not there: {wanted - taken}; too much: {taken - wanted}"


def _visits(picture: Picture) -> None:
    """Each due visit is booked, done, waived or unplaced, and its bookings say the same."""
    for visit in picture.visits.values():
        row = picture.of_visit(visit.pk)
        given = any(dose.visit == visit.pk and dose.counts for dose in picture.doses.values())
        if visit.state == "booked":
            assert row is not None, f"{visit} has no booking"
            assert row.status != "fulfilled"
        elif visit.state == "done":
            assert given, f"{visit} was never given"
            assert row is None or row.status == "fulfilled"
        else:
            assert visit.state in ("unplaced", "waived")
            assert row is None, f"{visit} stands at {row}"
            assert not given, f"{visit} was given"
    for course in picture.courses.values():
        assert [visit.ordinal for visit in picture.visits_of(course.pk)] == list(
            range(1, len(picture.visits_of(course.pk)) + 1)
        )


def _dues(world: World, picture: Picture) -> None:
    for course in picture.courses.values():
        if course.status != "active":
            continue
        zone = world.places[course.unit].zone
        wanted = dues(picture, course, world.therapies[course.protocol], zone)
        for visit in picture.visits_of(course.pk):
            if visit.state in ("unplaced", "booked"):
                assert (visit.due, visit.first, visit.until) == wanted[visit.ordinal], f"{visit} of {course}"


def _promised_times(database: rows.Database) -> None:
    """The wall clock that she was told is the center's, at that moment."""
    zones = {pk: row["time_zone"] for pk, row in database["Center"].items()}
    for row in database["Appointment"].values():
        assert row["promised_zone"] == zones[row["center_id"]]


def _reminders(world: World, database: rows.Database, picture: Picture, now: datetime) -> None:
    """Exactly those for the present start of a booking to come; of a stay, for its first dose only."""
    due: dict[int, set[tuple[datetime, int]]] = {}
    any_state: dict[int, set[tuple[datetime, int]]] = {}
    for row in database["LedgerEntry"].values():
        if row["kind"] == "reminder" and row["state"] != "superseded":
            thing = (row["appointment_start"], row["offset_days"])
            any_state.setdefault(row["appointment_id"], set()).add(thing)
            if row["state"] == "due":
                due.setdefault(row["appointment_id"], set()).add(thing)
                wanted_at = _wanted(world, picture.bookings[row["appointment_id"]]).get(thing)
                assert wanted_at in (None, row["due"]), f"the reminder {row} leaves at {row['due']}, not {wanted_at}"
    first_of_stay: dict[int, Booking] = {}
    for row in sorted(picture.live(), key=lambda row: row.start):
        if row.stay is not None:
            first_of_stay.setdefault(row.stay, row)
    for row in picture.bookings.values():
        is_told = row.stay is None or first_of_stay.get(row.stay) == row
        wanted = _wanted(world, row) if row.status == "booked" and row.patient is not None and is_told else {}
        if row.status in ("booked", "pending", "cancelled", "noshow"):
            superfluous = due.get(row.pk, set()) - set(wanted)
            assert not superfluous, f"{row} has reminders for {superfluous}"
        if row.start > now:
            missing = {thing for thing, at in wanted.items() if at > now} - any_state.get(row.pk, set())
            assert not missing, f"{row} lacks reminders {missing}"


def _wanted(world: World, row: Booking) -> dict[tuple[datetime, int], datetime]:
    """(start, days before) -> when it leaves: at the center's hour of that local day."""
    zone = world.place_of(row.chair).zone
    found = {}
    for days in REMINDER_DAYS:
        day = row.start.astimezone(zone).date() - timedelta(days=days)
        at = datetime.combine(day, time(REMINDER_MINUTE // 60, REMINDER_MINUTE % 60), zone).astimezone(UTC)
        if at < row.start:
            found[(row.start, days)] = at
    return found


def change_is_on_record(world: World, before: rows.Database, after: rows.Database) -> None:
    """Whatever changed has its event, and the days it touched have a new version."""
    changed = rows.changed(before, after)
    events = [row for pk, row in after["Event"].items() if pk not in before["Event"]]
    told = {(row["subject"], row["subject_id"]) for row in events}
    for table in ("Appointment", "Course"):
        for pk in changed.get(table, ()):
            followed = table == "Course" and _only_completion(before, after, pk)
            assert (table.lower(), pk) in told or followed, f"{table} {pk} changed without an event"
    was, became = rows.picture(before), rows.picture(after)
    for pk in changed.get("Appointment", ()):
        for row, picture in ((was.bookings.get(pk), was), (became.bookings.get(pk), became)):
            if row is not None and row.status in ("pending", "booked", "arrived", "checked-in", "fulfilled"):
                _has_new_version(world, before, after, row, picture)


def _only_completion(before: rows.Database, after: rows.Database, pk: int) -> bool:
    """A course that is over, or no longer over, follows from the event of its dose."""
    old, new = before["Course"].get(pk, {}), after["Course"].get(pk, {})
    different = {name for name in new if old.get(name) != new[name]}
    return different == {"status"} and {old["status"], new["status"]} == {"active", "completed"}


def _has_new_version(world: World, before: rows.Database, after: rows.Database, row: Booking, picture: Picture) -> None:
    first, until = row.chair_from, row.chair_until
    if row.stay is not None:
        _, first, until = picture.stays()[row.stay]
    old = {(day["unit_id"], day["date"]): day["version"] for day in before["UnitDay"].values()}
    new = {(day["unit_id"], day["date"]): day["version"] for day in after["UnitDay"].values()}
    for day in dates(first, until, world.place_of(row.chair).zone):
        key = (row.unit, day)
        assert new.get(key, 0) > old.get(key, 0), f"{row} changed, and the version of {key} is still {old.get(key)}"
