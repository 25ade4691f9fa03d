"""The demo clinic on its Tuesday, and what its year leaves out: a full day, an empty one, a waiting list with an offer,
imports at every step, a note, a key, texts. Everything that a page of the table names is here."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.tokens import default_token_generator
from django.core.management import call_command
from django.db.models import Count
from django.utils.http import urlsafe_base64_encode

from scheduler.domain import localtime
from scheduler.domain.permissions import FRONT_DESK, INTEGRATION, MANAGER, NURSE, Actor
from scheduler.models import (
    Appointment,
    Center,
    Chair,
    Contact,
    Course,
    Import,
    LedgerEntry,
    Membership,
    Nurse,
    Occupancy,
    Offer,
    Patient,
    Protocol,
    Unit,
    Visit,
)
from scheduler.queries import worklist
from scheduler.services import api_keys, booking, handover, import_files, import_work, imports, jobs, links, waitlist
from scheduler.services import worklist as marks
from tests import factories as make
from tests.factories import utc
from tests.web.signing import PASSWORD, with_factor

NOW = utc("2026-11-24T10:42-05:00")
FULL, TWO, EMPTY = date(2026, 12, 3), date(2026, 12, 9), date(2026, 12, 17)
A_CHAIRS_DAY = (
    "eptinezumab-quarterly",
    "rescue-minimal",
    "rescue-standard",
    "eptinezumab-quarterly",
    "eptinezumab-quarterly-observed",
    "infusion-monthly",
)
A_LATE_CHAIRS_DAY = (
    "eptinezumab-quarterly",
    "rescue-minimal",
    "eptinezumab-quarterly",
    "rescue-standard",
    "eptinezumab-quarterly",
)
VISITS_OF_A_FULL_DAY = 100
CSV = """MRN,Patient,DOB,Phone
LS-{n}001,"Rivera-Quintanilla, Ana Belén",3/14/1985,212 555 0101
LS-{n}002,كرم,3/15/1985,
LS-{n}003,"O'Brien-Featherstonehaugh, Wilhelmina",11/2/1971,(212) 555-0177
LS-{n}004,<script>alert(1)</script>,soon,
LS-{n}002,"Twice, Tessa",7/4/1990,
"""

Things = dict[str, Any]


def set_the_stage() -> Things:
    """Writes it all, and gives the ids, codes and tokens that the table's addresses ask for. At `NOW`."""
    call_command("load_demo", verbosity=0)
    center = Center.objects.get(code="demo")
    patients = list(Patient.objects.filter(registrations__center=center).order_by("pk"))
    desk = _actor(center, "front-desk", FRONT_DESK)
    manager = _actor(center, "manager", MANAGER)
    _fill_a_day(center, patients)
    two = _two_visits(center, desk)
    visit, underway = _of_today(center)
    things: Things = {
        "full": FULL,
        "empty": EMPTY,
        "two": TWO,
        "visit": visit.pk,
        "visit_chair": visit.chair_id,
        "visit_at": visit.start.astimezone(center.zone).isoformat(timespec="minutes"),
        "underway": underway.pk,
        "mover": two[0].pk,
        "taken": two[1].pk,
        "patient": _known(center).pk,
        **_twin(patients[0]),
        "chair": Chair.objects.filter(unit__code="day", unit__center=center).order_by("position")[3].pk,
        "nurse": _nurse_of_today(center).pk,
        **_people(center),
        **_courses(center),
        **_imports(center, manager),
        **_waiting(center, desk),
        **_answers(center),
    }
    nurse = _actor(center, "nurse", NURSE)
    unit = Unit.objects.select_related("center").get(center=center, code="day")
    handover.write(actor=nurse, unit=unit, text="The pump at chair 4 beeps when it is moved. Biomed knows.", now=NOW)
    handover.write(actor=nurse, unit=unit, text="She likes the window side.", patient=visit.patient, now=NOW)
    api_keys.issue(actor=Actor.job("demo"), name="EHR", center_code=center.code, role=INTEGRATION, now=NOW)
    item = worklist.items(center=center, now=NOW)[-1]
    until = NOW + timedelta(days=1)
    marks.snooze(actor=desk, center=center, item=item.key, until=until, reason="She calls back tomorrow.", now=NOW)
    jobs.send_reminders(NOW)
    things["mail"] = max((path.stem for path in Path(settings.MAIL_DIR).glob("*.eml")), default="none")
    return things


def _actor(center: Center, username: str, role: str) -> Actor:
    user = get_user_model().objects.get(username=username)
    return Actor(who=f"user:{user.pk}", role=role, center_id=center.pk, label=user.get_full_name())


def _known(center: Center) -> Patient:
    """Who has been here most often, and comes again."""
    ahead = Appointment.objects.filter(center=center, start__gt=NOW, status="booked", patient__isnull=False)
    here = Patient.objects.filter(registrations__center=center, pk__in=ahead.values("patient"))
    return here.annotate(visits=Count("appointments")).order_by("-visits", "pk")[0]


def _twin(patient: Patient) -> Things:
    """What is typed by who registers her once more."""
    return {
        "twin_first": patient.first_name,
        "twin_last": patient.last_name,
        "twin_born": f"{patient.birth_date.day} {patient.birth_date.month} {patient.birth_date.year}",
    }


def _fill_a_day(center: Center, patients: list[Patient]) -> None:
    """18 chairs, 100 visits of people who are here for the first time; rows as the services would have left them. The
    second half of the chairs begins when the second shift has come."""
    unit = Unit.objects.get(center=center, code="day")
    protocols = {row.code: row for row in Protocol.objects.filter(center=None)}
    made = 0
    for row, chair in enumerate(unit.chairs.order_by("position")):
        at = localtime.at(FULL, 8 * 60 + 15 * (row % 6) if row < 10 else 9 * 60 + 45 + 10 * (row % 9), center.zone)
        codes = A_CHAIRS_DAY if row < 10 else A_LATE_CHAIRS_DAY
        for step in range(len(codes)):
            protocol = protocols[codes[(step + row) % len(codes)]]
            first, last = patients[made].first_name, patients[-made - 1].last_name
            patient = make.make_patient(
                center, first_name=first, last_name=last, search_text=f"{last} {first}".lower(), mrn=f"LC-2{made:04}"
            )
            at = _book(center, unit, chair, patient, protocol, at) + timedelta(minutes=5)
            made += 1
    assert made == VISITS_OF_A_FULL_DAY


def _book(center: Center, unit: Unit, chair: Chair, patient: Patient, protocol: Protocol, at: datetime) -> datetime:
    """One visit of the full day, its chair from `at`; until when the chair is hers."""
    start = at + timedelta(minutes=protocol.prep_minutes)
    end = start + timedelta(minutes=protocol.visit_minutes)
    leaves = end + timedelta(minutes=protocol.observation_minutes)
    clean = leaves + timedelta(minutes=protocol.turnover_minutes)
    booked = Appointment.objects.create(
        center=center, unit=unit, chair=chair, patient=patient, protocol=protocol, status="booked", start=start,
        end=end, prep_minutes=protocol.prep_minutes, observation_minutes=protocol.observation_minutes,
        turnover_minutes=protocol.turnover_minutes, acuity=protocol.acuity, created_at=NOW,
        confirmed_at=NOW if patient.pk % 3 else None,
    )  # fmt: skip
    Occupancy.objects.create(
        appointment=booked, chair=chair, patient=patient, chair_from=at, chair_until=clean, patient_from=at,
        patient_until=leaves,
    )  # fmt: skip
    return clean


def _two_visits(center: Center, desk: Actor) -> tuple[Appointment, Appointment]:
    """On a quiet day, one in each of two chairs: to be dragged onto each other."""
    busy = Appointment.objects.filter(center=center, start__gte=NOW, patient__isnull=False).values("patient")
    free = Patient.objects.filter(registrations__center=center).exclude(pk__in=busy).order_by("pk")
    protocol = Protocol.objects.get(center=None, code="rescue-standard")
    chairs = Chair.objects.filter(unit__center=center, unit__code="day").order_by("position")
    made = []
    for number, hour in ((4, 9), (8, 13)):
        start = localtime.at(TWO, hour * 60, center.zone)
        made.append(
            booking.book(
                actor=desk, chair=chairs[number], start=start, patient=free[number], protocol=protocol, now=NOW
            )
        )
    return made[0], made[1]


def _of_today(center: Center) -> tuple[Appointment, Appointment]:
    """The next one that is booked, and one that is under way."""
    today = Appointment.objects.filter(center=center, unit__code="day", patient__isnull=False).order_by("start", "pk")
    visit = today.filter(status="booked", start__gt=NOW, protocol__prep_minutes__gt=0).first()
    underway = today.filter(status="checked-in", actual_start__isnull=False, protocol__prep_minutes__gt=0).last()
    assert visit is not None
    assert underway is not None
    return visit, underway


def _nurse_of_today(center: Center) -> Nurse:
    found = Nurse.objects.filter(center=center, shifts__starts_at__lte=NOW, shifts__ends_at__gt=NOW).order_by("name")
    return found[0]


def _people(center: Center) -> Things:
    """Who runs the service, who has a second factor, and a wall's membership."""
    users = get_user_model().objects
    operator = users.create_user(
        "operator", password=PASSWORD, first_name="Olu", last_name="Adeyemi", is_staff=True, is_superuser=True
    )
    Membership.objects.create(center=center, user=operator, role=MANAGER)
    careful = users.create_user("careful", password=PASSWORD, first_name="Ida", last_name="Brandt", last_login=NOW)
    Membership.objects.create(center=center, user=careful, role=NURSE)
    with_factor(careful)
    who = urlsafe_base64_encode(str(careful.pk).encode())
    return {
        "membership": Membership.objects.get(center=center, user__username="nurse").pk,
        "reset": f"{who}/{default_token_generator.make_token(careful)}",
        "password": PASSWORD,
    }


def _courses(center: Center) -> Things:
    """One that goes on, one of DHE, one on hold; a protocol for the wizard, and who could start one."""
    courses = Course.objects.filter(center=center)
    quarterly = courses.filter(status="active", protocol__code="eptinezumab-quarterly", visits__state="booked")
    dhe = courses.filter(status="active", protocol__code="dhe-q8h").order_by("-pk").first()
    held = courses.filter(status="on-hold").first()
    assert dhe is not None
    assert held is not None
    protocols = {row.code: row.pk for row in Protocol.objects.filter(center=None)}
    going = quarterly.order_by("-pk")[0]
    unplaced = Visit.objects.filter(course__center=center, course__status="active", state="unplaced").first()
    nobody = Patient.objects.filter(registrations__center=center).exclude(courses__center=center).order_by("pk")[0]
    return {
        "course": going.pk,
        "dhe": dhe.pk,
        "held": held.pk,
        "unplaced": unplaced.course_id if unplaced is not None else held.pk,
        "newcomer": nobody.pk,
        "protocol_quarterly": protocols["eptinezumab-quarterly"],
        "protocol_dhe": protocols["dhe-q8h"],
        "protocol_rescue": protocols["rescue-standard"],
    }


def _imports(center: Center, manager: Actor) -> Things:
    """The same file at each step."""
    columns = {"mrn": 0, "full_name": 1, "birth_date": 2, "phone": 3}
    found: dict[str, Import] = {}
    for number, step in enumerate(("new", "tried", "done"), start=7):
        table = import_files.read(CSV.format(n=number).encode())
        found[step] = imports.create(actor=manager, center=center, kind="patients", table=table, now=NOW)
    for step in ("tried", "done"):
        imports.check(actor=manager, source=found[step], columns=columns, date_style="us", unit=None, now=NOW)
        _work()
        if step == "done":
            imports.start(actor=manager, source=found[step], takes_doubtful=True, now=NOW)
            _work()
    return {f"import_{step}": row.pk for step, row in found.items()}


def _work() -> None:
    while import_work.work(now=NOW).get("batches"):
        pass


def _waiting(center: Center, desk: Actor) -> Things:
    """Three who wait for an earlier place; one of them has an offer."""
    later = Appointment.objects.filter(
        center=center, unit__code="day", status="booked", start__gt=NOW + timedelta(days=9), patient__isnull=False
    ).exclude(start__date=FULL)
    entries = [
        waitlist.add(actor=desk, appointment=row, priority=1 + number % 2, now=NOW)
        for number, row in enumerate(later.order_by("start")[:3])
    ]
    entry = entries[0]
    start = localtime.at(date(2026, 11, 30), 13 * 60, center.zone)
    offer = Offer.objects.create(
        entry=entry, center=center, appointment=entry.appointment, appointment_start=entry.appointment.start,
        chair=Chair.objects.filter(unit__center=center, unit__code="day").order_by("position")[9],
        start=start, taken_from=start, taken_until=start + timedelta(minutes=30), created_at=NOW,
        expires_at=NOW + timedelta(hours=2),
    )  # fmt: skip
    return {"offer": offer.pk, "answer_offer": _tokens(entry.appointment, offer=offer)["offer"]}


def _answers(center: Center) -> Things:
    """Tokens of one visit's mail, of another's that was confirmed by it, and of a text."""
    ahead = Appointment.objects.filter(
        center=center, unit__code="day", status="booked", start__gt=NOW + timedelta(days=1), confirmed_at=None,
        patient__contacts__is_primary=True, protocol__code="eptinezumab-quarterly", ledger__isnull=False,
    ).order_by("start", "pk").distinct()  # fmt: skip
    first, second = ahead[0], ahead[1]
    tokens = {f"answer_{purpose.replace('-', '_')}": token for purpose, token in _tokens(first).items()}
    confirmed = _tokens(second)["confirm"]
    links.confirm(link=links.find(confirmed), now=NOW)
    text = _tokens(ahead[2], channel=LedgerEntry.Channel.TEXT)["answer"]
    return tokens | {"answer_confirmed": confirmed, "answer_text": text}


def _tokens(
    appointment: Appointment, *, offer: Offer | None = None, channel: str = LedgerEntry.Channel.EMAIL
) -> dict[str, str]:
    assert appointment.patient is not None
    contact = Contact.objects.filter(patient=appointment.patient).order_by("-is_primary")[0]
    entry = LedgerEntry.objects.filter(appointment=appointment).first()
    assert entry is not None
    entry.channel = channel
    return links.make(entry=entry, contact=contact, appointment=appointment, offer=offer, now=NOW)
