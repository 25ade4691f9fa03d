"""A unit's day for the nurses who share it: who is there, what is to be watched, who watches what, and a suggestion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from scheduler.domain import assignment, localtime, watching
from scheduler.domain.intervals import Interval
from scheduler.domain.watching import Pause, Quarter, Task, Watcher
from scheduler.models import Appointment, Assignment, Nurse, Shift, Unit
from scheduler.queries import day as days
from scheduler.queries import facts

WATCHED = ("booked", "arrived", "checked-in", "fulfilled")
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SharedDay:
    """`nurses` who have a shift there that day or watch somebody, by name. `tasks` are what is still to be shared or
    counts for the load; what is over and was nobody's is none."""

    unit: Unit
    date: date
    interval: Interval
    appointments: tuple[Appointment, ...]
    assigned: Mapping[int, Assignment]
    nurses: tuple[Nurse, ...]
    shifts: Mapping[int, tuple[Shift, ...]]
    watchers: tuple[Watcher, ...]
    tasks: tuple[Task, ...]
    version: int

    def loads(self) -> Mapping[int, list[Quarter]]:
        """By nurse and quarter hour, as it stands, with the breaks that she covers."""
        return watching.loads(self.watchers, self.tasks, {task.key: task.nurse for task in self.tasks})

    def left_alone(self) -> list[Appointment]:
        """Whose nurse is not there (any more) when she is needed."""
        gone = {task.key for task in self.tasks if task.nurse is not None and not self.is_there(task, task.nurse)}
        return [row for row in self.appointments if row.pk in gone and row.status != "fulfilled"]

    def is_there(self, task: Task, nurse: int) -> bool:
        return _is_there(self.watchers, task.interval.start, nurse)

    def suggestion(self, *, is_anew: bool = False) -> assignment.Suggestion:
        """`is_anew`: what was only suggested before need not stand."""
        tasks: Iterable[Task] = self.tasks
        if is_anew:
            tasks = [task if task.is_fixed else replace(task, nurse=None) for task in self.tasks]
        found = assignment.suggest(self.watchers, tasks)
        before = {task.key: task.nurse for task in self.tasks}
        changed = tuple(key for key, nurse in found.nurses.items() if before[key] is not None and before[key] != nurse)
        return assignment.Suggestion(nurses=found.nurses, changed=changed)


def shared_day(*, unit: Unit, date: date, now: datetime) -> SharedDay:
    """In as many queries for one appointment as for a hundred."""
    interval = localtime.day(date, unit.center.zone)
    rows = [row for row in _appointments(unit, interval) if care_time(row).overlaps(interval)]
    shifts: dict[int, list[Shift]] = defaultdict(list)
    nurses: dict[int, Nurse] = {}
    for shift in days.shifts(unit=unit, date=date):
        shifts[shift.nurse_id].append(shift)
        nurses[shift.nurse_id] = shift.nurse
    watchers = tuple(_watcher(nurse, found) for nurse, found in shifts.items())
    assigned = {row.pk: row.assignment for row in rows if hasattr(row, "assignment")}
    for each in assigned.values():
        nurses.setdefault(each.nurse_id, each.nurse)
    known = _known(rows, interval.start)
    return SharedDay(
        unit=unit,
        date=date,
        interval=interval,
        appointments=tuple(rows),
        assigned=assigned,
        nurses=tuple(sorted(nurses.values(), key=lambda nurse: (nurse.name.casefold(), nurse.pk))),
        shifts={nurse: tuple(found) for nurse, found in shifts.items()},
        watchers=watchers,
        tasks=tuple(_tasks(rows, assigned, watchers, known, interval, now)),
        version=days.version(unit=unit, date=date),
    )


def nurses_of(appointments: Iterable[int]) -> dict[int, Nurse]:
    """By appointment id the nurse who watches it."""
    rows = Assignment.objects.filter(appointment__in=list(appointments)).select_related("nurse")
    return {row.appointment_id: row.nurse for row in rows}


def care_time(row: Appointment) -> Interval:
    """Preparation to the end of observation, UTC; what really began counts from then."""
    start = row.actual_start or row.start
    end = row.actual_end or start + (row.end - row.start)
    watched = timedelta(minutes=row.observation_minutes + row.extra_observation_minutes)
    first = start - timedelta(minutes=row.prep_minutes)
    return Interval(first, max(end + watched, first + MINUTE))


def _appointments(unit: Unit, interval: Interval) -> list[Appointment]:
    return list(
        Appointment.objects.filter(
            unit=unit,
            patient__isnull=False,
            status__in=WATCHED,
            start__gte=interval.start - facts.LONGEST_CARE,
            start__lt=interval.end + facts.LONGEST_CARE,
        ).select_related("patient", "chair", "protocol", "visit__course", "assignment__nurse")
    )


def _watcher(nurse: int, shifts: Sequence[Shift]) -> Watcher:
    return Watcher(
        nurse=nurse,
        shifts=tuple(Interval(shift.starts_at, shift.ends_at) for shift in shifts),
        patients=min(shift.patients for shift in shifts),
        acuity=min(shift.acuity for shift in shifts),
        pauses=tuple(
            Pause(Interval(pause.starts_at, pause.ends_at), pause.covered_by_id)
            for shift in shifts
            for pause in shift.breaks.all()
        ),
    )


def _known(rows: Iterable[Appointment], before: datetime) -> dict[int, tuple[int, ...]]:
    """By course the nurses who had it, the last first."""
    courses = {row.visit.course_id for row in rows if row.visit is not None}
    found: dict[int, list[int]] = defaultdict(list)
    earlier = Assignment.objects.filter(appointment__visit__course__in=courses, appointment__start__lt=before)
    for course, nurse in earlier.order_by("-appointment__start", "-pk").values_list(
        "appointment__visit__course_id", "nurse_id"
    ):
        if nurse not in found[course]:
            found[course].append(nurse)
    return {course: tuple(nurses) for course, nurses in found.items()}


def _tasks(
    rows: Iterable[Appointment],
    assigned: Mapping[int, Assignment],
    watchers: Sequence[Watcher],
    known: Mapping[int, tuple[int, ...]],
    interval: Interval,
    now: datetime,
) -> Iterable[Task]:
    for row in rows:
        held, care = assigned.get(row.pk), care_time(row)
        is_over = row.status == "fulfilled" or care.end <= now
        if is_over and held is None:
            continue
        # Of what is under way only the rest is left to watch: a nurse who has gone can't have it, whoever comes can.
        rest = Interval(max(care.start, now), care.end) if care.start < now and not is_over else care
        by_hand = held is not None and held.how == Assignment.How.BY_HAND
        is_theirs = held is not None and _is_there(watchers, rest.start, held.nurse_id)
        course = row.visit.course_id if row.visit is not None else None
        yield Task(
            key=row.pk,
            interval=rest,
            start=row.actual_start or row.start,
            acuity=row.acuity,
            nurse=held.nurse_id if held is not None else None,
            # Set by hand for somebody who then fell ill is open again: the page says so before anything is accepted.
            is_fixed=is_over or care.start < interval.start or (by_hand and is_theirs),
            course=course,
            known=known.get(course, ()) if course is not None else (),
        )


def _is_there(watchers: Iterable[Watcher], moment: datetime, nurse: int) -> bool:
    return any(shift.contains(moment) for each in watchers if each.nurse == nurse for shift in each.shifts)
