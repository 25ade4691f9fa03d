"""Small builders for tests: a center with a day suite and a 24-hour suite, patients, protocols, courses.

They write set-up rows directly; bookings always go through the services.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from django.contrib.auth import get_user_model

from scheduler.domain.permissions import MANAGER, Actor
from scheduler.models import (
    Center,
    Chair,
    Closure,
    Contact,
    Membership,
    OpeningHours,
    Patient,
    Protocol,
    Registration,
    StaffingPattern,
    Unit,
)
from scheduler.services import findable

NOW = datetime(2026, 11, 16, 15, 0, tzinfo=UTC)  # Mon 16 Nov 2026, 10:00 in New York
WEEKDAYS = range(5)
EVERY_DAY = range(7)
_numbers = count(1)


def utc(text: str) -> datetime:
    """utc("2026-11-30T15:00") is that moment in UTC; an offset in the text is respected."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def make_center(**values: Any) -> Center:
    number = next(_numbers)
    defaults = {
        "code": f"center-{number}",
        "name": f"Center {number}",
        "mail_name": f"Lakeside {number}",
        "time_zone": "America/New_York",
        "phone": "212 555 0100",
        "address": "1 Lake Street",
        "reminder_days": [3, 1],
        # Tests that send by the machine's clock do so at any hour; those of quiet hours set them.
        "quiet_from": 0,
        "quiet_until": 0,
    }
    return Center.objects.create(**{**defaults, **values})


def make_unit(
    center: Center | None = None,
    *,
    days: Any = WEEKDAYS,
    opens: int = 8 * 60,
    closes: int = 18 * 60,
    nurses: int = 4,
    patients: int = 40,
    acuity: int = 80,
    **values: Any,
) -> Unit:
    """A unit with the same hours on each of `days`, and a staffing pattern for them."""
    center = center or make_center()
    number = next(_numbers)
    unit = Unit.objects.create(**{"center": center, "code": f"unit-{number}", "name": f"Suite {number}", **values})
    for weekday in days:
        OpeningHours.objects.create(unit=unit, weekday=weekday, opens=opens, closes=closes)
        StaffingPattern.objects.create(
            unit=unit, weekday=weekday, opens=opens, closes=closes, nurses=nurses, patients=patients, acuity=acuity
        )
    return unit


def make_day_suite(center: Center | None = None, **values: Any) -> Unit:
    return make_unit(center, **{"name": "Day suite", "code": "day", **values})


def make_night_suite(center: Center | None = None, **values: Any) -> Unit:
    """Open every hour of every day."""
    return make_unit(
        center,
        **{"name": "24-hour suite", "code": "suite-24", "days": EVERY_DAY, "opens": 0, "closes": 1440, **values},
    )


def make_chair(unit: Unit, **values: Any) -> Chair:
    number = unit.chairs.count() + 1
    return Chair.objects.create(**{"unit": unit, "name": f"Chair {number}", "position": number, **values})


def make_bed(unit: Unit, **values: Any) -> Chair:
    number = unit.chairs.count() + 1
    return make_chair(unit, **{"kind": "bed", "name": f"Bed {number}", **values})


def make_patient(center: Center, *, email: str = "", phone: str = "212 555 0199", **values: Any) -> Patient:
    number = next(_numbers)
    defaults = {
        "first_name": "Ana",
        "last_name": f"Rivera{number}",
        "birth_date": date(1985, 3, 14),
        "search_text": f"ana rivera{number}",
        "created_at": NOW,
    }
    mrn = values.pop("mrn", f"MRN-{number}")
    patient = Patient.objects.create(**{**defaults, **values})
    Registration.objects.create(center=center, patient=patient, mrn=mrn)
    Contact.objects.create(patient=patient, email=email, phone=phone, is_primary=True)
    findable.refresh([patient.pk])
    return patient


def make_closure(center: Center, starts_at: str, ends_at: str, **values: Any) -> Closure:
    return Closure.objects.create(
        **{"center": center, "starts_at": utc(starts_at), "ends_at": utc(ends_at), "reason": "Holiday", **values}
    )


def _protocol(code: str, values: dict[str, Any], defaults: dict[str, Any]) -> Protocol:
    return Protocol.objects.create(
        **{
            "code": code,
            "name": code.replace("-", " ").capitalize(),
            "short_name": code.split("-")[0].capitalize(),
            "abbreviation": code[:3].upper(),
            "published_at": NOW,
            **defaults,
            **values,
        }
    )


def make_quarterly(**values: Any) -> Protocol:
    """Eptinezumab as DESIGN section 6 has it: every 3 months, 30 minutes, -5/+7 days, at least 84 days."""
    return _protocol(
        values.pop("code", "eptinezumab-quarterly"),
        values,
        {
            "name": "Eptinezumab, every 3 months",
            "short_name": "Eptinezumab",
            "cadence_kind": "calendar",
            "cadence_every": 3,
            "cadence_unit": "months",
            "default_doses": 4,
            "may_be_open_ended": True,
            "visit_minutes": 30,
            "counts_in": "days",
            "window_before": 5,
            "window_after": 7,
            "tolerance_before": 5,
            "tolerance_after": 7,
            "min_interval": 84,
            "substance": "eptinezumab",
            "dose_mg": 100,
        },
    )


def make_dhe(**values: Any) -> Protocol:
    """DHE every 8 hours: 60 minutes, prep 35 (first 60), observation 30, ±60, 7 h apart, 23 h from n to n+3."""
    return _protocol(
        values.pop("code", "dhe-q8h"),
        values,
        {
            "name": "DHE, every 8 hours",
            "short_name": "DHE",
            "cadence_kind": "elapsed",
            "cadence_every": 8,
            "cadence_unit": "hours",
            "doses": [3, 6, 9],
            "days": {"1": 3, "2": 6, "3": 9},
            "visit_minutes": 60,
            "prep_minutes": 35,
            "first_visits": 1,
            "first_prep_minutes": 60,
            "observation_minutes": 30,
            "counts_in": "minutes",
            "window_before": 60,
            "window_after": 60,
            "tolerance_before": 60,
            "tolerance_after": 60,
            "min_interval": 7 * 60,
            "caps": [
                {"counts": "doses", "limit": 3, "within_minutes": 23 * 60, "attestable": False},
                {"counts": "mg", "limit": 2, "within_minutes": 24 * 60, "attestable": True},
                {"counts": "mg", "limit": 6, "within_minutes": 7 * 24 * 60, "attestable": True},
            ],
            "substance": "dihydroergotamine",
            "dose_mg": "0.5",
            "acuity": 3,
            "first_acuity": 4,
            "needs_bed": True,
            "keeps_chair": True,
        },
    )


def make_dhe_twice_a_day(**values: Any) -> Protocol:
    """DHE twice a day for day suites: 7 hours apart within a day, at the same times each day."""
    return _protocol(
        values.pop("code", "dhe-bid"),
        values,
        {
            "name": "DHE, twice a day",
            "short_name": "DHE",
            "cadence_kind": "calendar",
            "cadence_every": 1,
            "cadence_unit": "days",
            "cadence_within_day": [0, 420],
            "doses": [2, 4, 6],
            "days": {"1": 2, "2": 4, "3": 6},
            "visit_minutes": 60,
            "prep_minutes": 35,
            "first_visits": 1,
            "first_prep_minutes": 60,
            "observation_minutes": 30,
            "counts_in": "minutes",
            "window_before": 60,
            "window_after": 60,
            "tolerance_before": 60,
            "tolerance_after": 60,
            "min_interval": 7 * 60,
            "caps": [{"counts": "doses", "limit": 3, "within_minutes": 23 * 60, "attestable": False}],
            "substance": "dihydroergotamine",
            "dose_mg": 1,
            "acuity": 3,
        },
    )


def make_rescue(**values: Any) -> Protocol:
    return _protocol(
        values.pop("code", "rescue-standard"),
        values,
        {
            "name": "Rescue infusion, standard",
            "short_name": "Rescue",
            "cadence_kind": "once",
            "default_doses": 1,
            "visit_minutes": 75,
            "prep_minutes": 20,
            "observation_minutes": 30,
            "turnover_minutes": 10,
            "counts_in": "days",
            "acuity": 2,
        },
    )


def make_actor(center: Center, role: str = MANAGER) -> Actor:
    return Actor(who=f"user:{next(_numbers)}", role=role, center_id=center.pk, label="Mara Quist")


def make_user(center: Center, role: str = MANAGER, **values: Any):
    number = next(_numbers)
    user = get_user_model().objects.create_user(username=f"user-{number}", password="pass-for-tests", **values)
    Membership.objects.create(center=center, user=user, role=role)
    return user
