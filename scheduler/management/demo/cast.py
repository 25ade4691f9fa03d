"""Who is treated with what in the demo, and when it began: about a hundred courses at every stage.

Days count from the day of loading. Nothing is booked here: players.py hands each part to the services at its time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from dateutil.relativedelta import relativedelta

from scheduler.management.demo.clinic import Clinic

QUARTERLY, OBSERVED = "eptinezumab-quarterly", "eptinezumab-quarterly-observed"
EVERY_8_HOURS, TWICE_A_DAY, MONTHLY = "dhe-q8h", "dhe-bid", "infusion-monthly"
# The desk previews these with the patient; the others are asked for by telephone and placed by the job.
PREVIEWED = (QUARTERLY, OBSERVED, MONTHLY)
RESCUES = (
    "rescue-standard",
    "rescue-minimal",
    "rescue-extended",
    "rescue-standard",
    "rescue-ketorolac",
    "rescue-minimal",
    "rescue-magnesium",
    "rescue-standard",
    "rescue-metoclopramide",
)
PRESCRIBERS = ("Dr Osborne", "Dr Halloran", "Dr Achterberg", "Dr Sato")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One course to be started: by the desk at `asked`, first due at `start`. `ends` is a service of courses
    (pause, discontinue), when, and why. `overrides` is the soft rule that a nurse sets aside for its next visit."""

    patient: int
    protocol: str
    start: datetime
    asked: datetime
    unit: str = "day"
    request: Mapping[str, Any] = field(default_factory=dict)
    ends: tuple[str, datetime, str] | None = None
    overrides: str = ""


def parts(clinic: Clinic, now: datetime) -> Iterator[Part]:
    """Every course of the demo. Each patient has at most one course; later rows of the file have none."""
    patients = iter(range(len(clinic.patients)))
    for group in GROUPS:
        for part in group(clinic, now):
            yield _with_order(Part(**{**_fields(part), "patient": next(patients)}), clinic)


def _fields(part: Part) -> dict[str, Any]:
    return {name: getattr(part, name) for name in Part.__slots__}


def _with_order(part: Part, clinic: Clinic) -> Part:
    first = clinic.day_of(part.start)
    order = {
        "prescriber": PRESCRIBERS[part.patient % len(PRESCRIBERS)],
        "order_reference": f"ORD-{20100 + part.patient * 3}",
        "order_from": first - timedelta(days=14),
        "order_until": first + timedelta(days=900),
    }
    return Part(**{**_fields(part), "request": order | dict(part.request)})


def _part(
    clinic: Clinic,
    protocol: str,
    start: date,
    minute: int,
    *,
    asked_before: int,
    unit: str = "day",
    ends: tuple[str, datetime, str] | None = None,
    overrides: str = "",
    **request: Any,
) -> Part:
    return Part(
        patient=0,
        protocol=protocol,
        unit=unit,
        start=clinic.at(start, minute),
        asked=clinic.at(clinic.open_day(start - timedelta(days=asked_before), -1), 9 * 60 + minute % 60),
        request=request,
        ends=ends,
        overrides=overrides,
    )


def _quarterly(clinic: Clinic, now: datetime) -> Iterator[Part]:
    today = clinic.day_of(now)
    soon = clinic.open_day(today + timedelta(days=1))
    # Today: first visits, and later ones of courses that began one to three quarters ago.
    for number in range(20):
        quarters = (0, 1, 2, 3, 0)[number % 5]
        wanted: dict[str, Any] = {"is_open_ended": True} if number == 2 else {"doses": min(2 + quarters, 4)}
        yield _part(
            clinic,
            QUARTERLY,
            today - relativedelta(months=3 * quarters),
            _on_quarter(495 + number * 27),
            asked_before=9 + number % 6,
            indication="Refractory chronic migraine" if number % 3 else "",
            **wanted,
        )
    # The weeks around: some just had it, some come tomorrow, some in the weeks after.
    for number in range(20):
        if number < 5:
            due = clinic.open_day(today - timedelta(days=2 + number), -1)
        elif number < 10:
            due = soon
        else:
            due = clinic.open_day(today + timedelta(days=3 + 4 * (number - 10)))
        yield _part(
            clinic,
            QUARTERLY,
            due - relativedelta(months=3 * (number % 3)),
            480 + (number * 45) % 540,
            asked_before=12,
            **({"doses": 2 + number % 3} | _wish(number) | _papers(number, today)),
        )
    # New ones of this week and the next. A first authorisation is often for half a year: two treatments.
    for number in range(14):
        first = clinic.open_day(today + timedelta(days=1 + number // 2))
        yield _part(clinic, QUARTERLY, first, 510 + (number * 105) % 480, asked_before=10, doses=2)
    # Its authorisation ends before the next visit, and the nurse booked it all the same.
    yield _part(
        clinic,
        QUARTERLY,
        clinic.open_day(today + timedelta(days=12)) - relativedelta(months=3),
        615,
        asked_before=12,
        doses=2,
        overrides="authorization_is_valid",
        authorization_reference="AUT-7099",
        authorization_from=today - timedelta(days=170),
        authorization_until=today + timedelta(days=6),
    )
    # Over, stopped, waiting.
    for number in range(3):
        start = clinic.open_day(today - timedelta(days=330 - 70 * number))
        yield _part(clinic, QUARTERLY, start, 540 + 60 * number, asked_before=10, doses=4 - number)
    for number, reason in enumerate(("No effect after two treatments.", "Moved to another city.")):
        start = clinic.open_day(today - timedelta(days=190 - 20 * number))
        when = clinic.at(clinic.open_day(today - timedelta(days=21 + number), -1), 840)
        yield _part(clinic, QUARTERLY, start, 600, asked_before=10, doses=3, ends=("discontinue", when, reason))
    for number, reason in enumerate(("Waiting for the insurer.", "Abroad until the new year.")):
        start = clinic.open_day(today - timedelta(days=120 + 25 * number))
        when = clinic.at(clinic.open_day(today - timedelta(days=6 + number), -1), 900)
        yield _part(clinic, QUARTERLY, start, 660, asked_before=10, ends=("pause", when, reason))


def _on_quarter(minute: int) -> int:
    return minute - minute % 15


def _wish(number: int) -> dict[str, Any]:
    if number % 7 == 3:
        return {"preferred_part": "afternoon"}
    return {"preferred_part": "morning"} if number % 7 == 5 else {}


def _papers(number: int, today: date) -> dict[str, Any]:
    """Orders and authorisations that end soon, so that the worklist has something to renew."""
    if number in (6, 13):
        return {"doses": 4, "order_until": today + timedelta(days=60)}
    if number in (8, 15):
        return {
            "doses": 4,
            "authorization_reference": f"AUT-{7000 + number}",
            "authorization_from": today - timedelta(days=200),
            "authorization_until": today + timedelta(days=45 + number),
        }
    if number % 2:
        return {
            "authorization_reference": f"AUT-{7000 + number}",
            "authorization_from": today - timedelta(days=365),
            "authorization_until": today + timedelta(days=720),
            "authorization_visits": 8,
        }
    return {}


def _observed(clinic: Clinic, now: datetime) -> Iterator[Part]:
    today = clinic.day_of(now)
    for number in range(12):
        due = today if number < 6 else clinic.open_day(today + timedelta(days=1 + 5 * (number - 6)))
        start = due - relativedelta(months=3 * (number % 3))
        yield _part(clinic, OBSERVED, start, _on_quarter(510 + number * 40), asked_before=11, doses=2 + number % 3)


def _monthly(clinic: Clinic, now: datetime) -> Iterator[Part]:
    today = clinic.day_of(now)
    for number in range(5):
        due = today if number < 2 else clinic.open_day(today + timedelta(days=4 * number))
        start = due - relativedelta(months=number % 3)
        yield _part(clinic, MONTHLY, start, 570 + number * 75, asked_before=8, doses=3)


def _twice_a_day(clinic: Clinic, now: datetime) -> Iterator[Part]:
    today = clinic.day_of(now)
    yesterday = today - timedelta(days=1)
    status: dict[str, Any] = {"indication": "Status migrainosus"}
    running = yesterday if clinic.day_is_open(today) and clinic.day_is_open(yesterday) else today
    yield _part(clinic, TWICE_A_DAY, running, 540, asked_before=1, days=2, **status)
    yield _part(clinic, TWICE_A_DAY, today, 525, asked_before=1, days=1, **status)
    yield _part(clinic, TWICE_A_DAY, today, 555, asked_before=2, days=1, **status)
    for back in (6, 13):
        start = _two_open_days(clinic, today - timedelta(days=back))
        yield _part(clinic, TWICE_A_DAY, start, 540, asked_before=1, days=2, **status)
    # Asked for every eight hours where nobody is at night: it stays without a place, and says why.
    ahead = _two_open_days(clinic, today + timedelta(days=5), 1)
    yield _part(clinic, EVERY_8_HOURS, ahead, 540, asked_before=(ahead - today).days + 1, days=1, **status)


def _two_open_days(clinic: Clinic, day: date, step: int = -1) -> date:
    while not (clinic.day_is_open(day) and clinic.day_is_open(day + timedelta(days=1))):
        day += timedelta(days=step)
    return day


def _stays(clinic: Clinic, now: datetime) -> Iterator[Part]:
    """Two in bed now, whatever the hour; some before and after."""
    status = {"indication": "Status migrainosus", "days": 3}
    attested = {"attested_by": "Dr Osborne", "attestation_reference": "ORD-20991", "dose_mg": Decimal(1)}
    # The dose that runs now began 25 minutes ago; the other's ended an hour and a quarter after it began.
    for hours, minutes, more in ((24, 25, {}), (16, 80, attested), (-38, 0, {}), (24 * 6, 0, {}), (24 * 11, 0, {})):
        start = _quarter(now - timedelta(hours=hours, minutes=minutes))
        asked = min(start - timedelta(hours=3), now - timedelta(hours=2))
        signed = {"attested_at": asked - timedelta(minutes=20)} if more else {}
        yield Part(
            patient=0,
            protocol=EVERY_8_HOURS,
            unit="suite-24",
            start=start,
            asked=asked,
            request=status | more | signed | ({"days": 2} if hours < 0 or hours > 200 else {}),
        )


def _quarter(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute - moment.minute % 15, second=0, microsecond=0)


def _rescues(clinic: Clinic, now: datetime) -> Iterator[Part]:
    today = clinic.day_of(now)
    acute: dict[str, Any] = {"indication": "Status migrainosus"}
    for back in range(1, 7):
        day = today - timedelta(days=back)
        if clinic.day_is_open(day):
            for number in range(2):
                minute = 540 + 150 * number + back * 15
                yield _today(clinic, RESCUES[(2 * back + number) % len(RESCUES)], day, minute, **acute)
    if clinic.day_is_open(today):
        for number, minute in enumerate((510, 540, 585, 615, 630, 675, 720, 750, 795, 840, 870, 900)):
            yield _today(clinic, RESCUES[number % len(RESCUES)], today, minute, **acute)
    # The 24-hour suite takes them at any hour: one under way, one just in, one to come. More when it is alone.
    hours = [(-70, "rescue-standard"), (10, "rescue-minimal"), (130, "rescue-fluids")]
    if not clinic.day_is_open(today):
        hours += [(-310, "rescue-standard"), (-195, "rescue-ketorolac"), (250, "rescue-minimal")]
    for minutes, protocol in hours:
        start = _quarter(now + timedelta(minutes=minutes))
        yield Part(
            patient=0,
            protocol=protocol,
            unit="suite-24",
            start=start,
            asked=min(start - timedelta(minutes=75), now - timedelta(minutes=20)),
            request=acute,
        )


def _today(clinic: Clinic, protocol: str, day: date, minute: int, **request: Any) -> Part:
    """Asked for by telephone, an hour and a half before, or first thing in the morning."""
    return Part(
        patient=0,
        protocol=protocol,
        start=clinic.at(day, minute),
        asked=clinic.at(day, min(minute - 90, 485)),
        request=request,
    )


GROUPS = (_quarterly, _observed, _monthly, _twice_a_day, _stays, _rescues)
