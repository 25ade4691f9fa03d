"""The things a body or a query names, always within the caller's center: another center's are not found."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, Q, QuerySet

from scheduler.api.errors import NotHere
from scheduler.domain.errors import Malformed, NotFound, gettext_noop
from scheduler.models import Appointment, Center, Chair, Course, Nurse, Patient, Protocol, Unit, Visit
from scheduler.queries import raw
from scheduler.services.changes import RELATED


def units(center: Center) -> QuerySet[Unit]:
    return Unit.objects.filter(center=center).select_related("center")


def unit(center: Center, name: int | str, field: str = "unit") -> Unit:
    """By id or by code. Most calls name one, and their center is known: one short statement."""
    named = "id" if isinstance(name, int) else "code"
    found = raw.rows(_UNIT.format(named=named), {"center": center.pk, "name": name}, prepared=True)
    one = raw.instance(Unit, found[0]) if found else None
    if one is None:
        raise NotHere(field)
    one.center = center
    return one


_UNIT = (
    f"SELECT {raw.columns(Unit, 'u')} FROM scheduler_unit u WHERE u.center_id = %(center)s AND u.{{named}} = %(name)s"
)


def chairs(center: Center) -> QuerySet[Chair]:
    return Chair.objects.filter(unit__center=center).select_related("unit__center")


def chair(center: Center, pk: int, field: str = "chair") -> Chair:
    return _one(chairs(center).filter(pk=pk), field)


def nurse(center: Center, pk: int, field: str = "nurse") -> Nurse:
    return _one(Nurse.objects.filter(center=center, pk=pk), field)


def protocols(center: Center) -> QuerySet[Protocol]:
    """Published versions that the center may use: its own and the shared ones."""
    return Protocol.objects.filter(Q(center__isnull=True) | Q(center=center), published_at__isnull=False)


def protocol(center: Center, name: int | str, field: str = "protocol") -> Protocol:
    """By id, or the newest version by code; a center's own protocol goes before a shared one of the same code."""
    if isinstance(name, int):
        return _one(protocols(center).filter(pk=name), field)
    found = list(protocols(center).filter(code=name))
    if not found:
        raise NotHere(field)
    return max(found, key=lambda each: (each.center_id is not None, each.version))


def patients(center: Center) -> QuerySet[Patient]:
    return Patient.objects.filter(registrations__center=center)


def patient(center: Center, pk: int, field: str = "patient") -> Patient:
    return _one(patients(center).filter(pk=pk), field)


def courses(center: Center) -> QuerySet[Course]:
    return Course.objects.filter(center=center).select_related("center", "unit__center", "patient", "protocol")


def course(center: Center, pk: int, field: str = "course") -> Course:
    return _one(courses(center).filter(pk=pk), field)


def visit(center: Center, pk: int, field: str = "visit") -> Visit:
    related = ("course__center", "course__unit__center", "course__patient", "course__protocol")
    return _one(Visit.objects.filter(course__center=center, pk=pk).select_related(*related), field)


def appointments(center: Center) -> QuerySet[Appointment]:
    return Appointment.objects.filter(center=center).select_related(*RELATED)


def appointment(center: Center, pk: int, field: str = "appointment") -> Appointment:
    return _one(appointments(center).filter(pk=pk), field)


def from_url(finder: Any, center: Center, pk: int) -> Any:
    """What the address itself names: not found is a 404 without a field."""
    try:
        return finder(center, pk)
    except NotHere as missing:
        raise NotFound from missing


def check_one_length(protocol: Protocol | None, minutes: int | None, visit: Visit | None) -> None:
    """Raises Malformed where what is asked for has two lengths, or another protocol than the visit's course."""
    if minutes is not None and (protocol is not None or visit is not None):
        raise Malformed("minutes", gettext_noop("Give the protocol, the visit or the minutes, and not two of them."))
    if visit is not None and protocol is not None and protocol.code != visit.course.protocol.code:
        raise Malformed("protocol", gettext_noop("This visit belongs to a course on another protocol."))


def _one(found: QuerySet[Any], field: str) -> Any:
    row: Model | None = found.first()
    if row is None:
        raise NotHere(field)
    return row
