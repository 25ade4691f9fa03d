"""What a visit, a protocol or a stretch of minutes needs, as the rules' `Need`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from scheduler.domain.intervals import Interval
from scheduler.domain.protocols import Lengths, ProtocolSpec
from scheduler.domain.rules import Need, Order
from scheduler.models import Appointment, Course, Protocol, Visit


def for_minutes(minutes: int) -> Need:
    """Treatment of so many minutes without a protocol: no preparation, no observation, lowest acuity."""
    return Need(lengths=Lengths(prep=0, treatment=minutes, observation=0, turnover=0))


def for_protocol(protocol: Protocol) -> Need:
    """A visit on a protocol outside any course: it counts as the first one."""
    return of_spec(protocol.spec(), ordinal=1)


def for_visit(visit: Visit) -> Need:
    course = visit.course
    return of_course(course, course.protocol.spec(), ordinal=visit.ordinal, due=visit.due, window=window_of(visit))


def of_course(course: Course, spec: ProtocolSpec, *, ordinal: int, due: datetime, window: Interval) -> Need:
    """A visit of a course that need not be saved yet."""
    return of_spec(
        spec,
        ordinal=ordinal,
        course=course.pk,
        mg=course.dose_mg,
        due=due,
        window=window,
        order=order_of(course),
        keeps_chair=spec.keeps_chair,
    )


def of_spec(
    spec: ProtocolSpec,
    *,
    ordinal: int,
    course: int | None = None,
    mg: Decimal | None = None,
    due: datetime | None = None,
    window: Interval | None = None,
    order: Order | None = None,
    keeps_chair: bool = False,
) -> Need:
    return Need(
        lengths=spec.lengths(ordinal),
        acuity=spec.acuity_of(ordinal),
        needs_bed=spec.needs_bed,
        substance=spec.substance,
        mg=spec.dose_mg if mg is None else Decimal(str(mg)),
        gap=spec.gap,
        caps=spec.caps,
        ordinal=ordinal,
        course=course,
        keeps_chair=keeps_chair,
        due=due,
        window=window,
        order=order or Order(),
    )


def for_appointment(appointment: Appointment) -> Need:
    """What a booked appointment needs elsewhere: its own lengths, and its visit's or protocol's rules."""
    if appointment.visit is not None:
        need = for_visit(appointment.visit)
    elif appointment.protocol is not None:
        need = for_protocol(appointment.protocol)
    else:
        need = for_minutes(1)
    lengths = Lengths(
        prep=appointment.prep_minutes,
        treatment=int((appointment.end - appointment.start).total_seconds() // 60),
        observation=appointment.observation_minutes,
        turnover=appointment.turnover_minutes,
    )
    return replace(need, lengths=lengths, acuity=appointment.acuity)


def window_of(visit: Visit) -> Interval:
    return Interval(visit.window_start, visit.window_end)


def order_of(course: Course) -> Order:
    return Order(
        order_from=course.order_from,
        order_until=course.order_until,
        authorization_from=course.authorization_from,
        authorization_until=course.authorization_until,
        authorization_visits=course.authorization_visits,
        is_attested=course.is_attested,
    )
