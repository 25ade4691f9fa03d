"""Two centers with one of everything in each, and somebody of every kind at the doors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.test import Client

from scheduler.domain import permissions
from scheduler.domain.permissions import FRONT_DESK, INTEGRATION, MANAGER, NURSE, PEOPLES_ROLES, Actor
from scheduler.models import ApiKey, Event, HandoverNote, Import, Membership, Offer, Shift, UnitDay
from scheduler.queries.course_request import CourseRequest
from scheduler.services import absences, api_keys, courses, import_files, imports, sessions, waitlist
from tests import factories as make
from tests.factories import utc
from tests.web.conftest import EARLY, NOW, Clinic, make_clinic

MISSING = 987_654_321
SECRET, THEIRS = "Zarathustra", "Nausikaa"  # the surname of everybody here, and of everybody there


@dataclass
class Things:
    """By name, what fits into an address or a body: ids and codes of one center."""

    values: dict[str, Any]

    def fill(self, template: Any) -> Any:
        """`"/patients/{patient}/"` with the ids; also inside lists and dicts. A text that is one name alone becomes
        the value itself."""
        if isinstance(template, dict):
            return {name: self.fill(value) for name, value in template.items()}
        if isinstance(template, list):
            return [self.fill(value) for value in template]
        if not isinstance(template, str):
            return template
        if template.startswith("{") and template.endswith("}") and template.count("{") == 1:
            return self.values[template[1:-1]]
        return template.format(**self.values)

    @property
    def nowhere(self) -> Things:
        return Things({name: MISSING if isinstance(value, int) else "no-such" for name, value in self.values.items()})


def things_of(clinic: Clinic, surname: str) -> Things:
    """One of everything. The booked visit is tomorrow, so that most steps may be tried."""
    center = clinic.center
    patient = make.make_patient(center, last_name=surname, search_text=f"ana {surname.lower()}", email="z@example.org")
    booked = clinic.book("2026-11-25T10:00-05:00", patient=patient)
    request = CourseRequest(
        patient=patient, protocol=clinic.quarterly, unit=clinic.day, start=utc("2026-12-01T10:00-05:00"), doses=2
    )
    course = courses.create(actor=clinic.actor, center=center, request=request, now=EARLY)
    nurse = center.nurses.create(name=f"Ines {surname}")
    shift = Shift.objects.create(
        nurse=nurse, unit=clinic.day, starts_at=utc("2026-11-26T13:00"), ends_at=utc("2026-11-26T21:00"),
        patients=4, acuity=8,
    )  # fmt: skip
    ill = center.nurses.create(name=f"Jo {surname}")
    Shift.objects.create(
        nurse=ill, unit=clinic.day, starts_at=utc("2026-11-24T07:00-05:00"), ends_at=utc("2026-11-24T18:00-05:00")
    )
    absences.absent(actor=clinic.actor, unit=clinic.day, nurse=ill, day=date(2026, 11, 24), now=NOW)
    closure = make.make_closure(center, "2027-05-31T00:00-04:00", "2027-06-01T00:00-04:00", unit=clinic.day)
    own = make.make_rescue(code=f"own-{center.pk}", center=center)
    unit_day, _made = UnitDay.objects.get_or_create(unit=clinic.day, date=date(2026, 11, 26))
    member = make.make_user(center, NURSE, first_name="Dana", last_name=surname)
    sign_in = sessions.begin(user=member, address=None, user_agent="", second_factor=False, confirmed=False, now=NOW)
    later = clinic.book("2026-11-27T10:00-05:00", patient=make.make_patient(center, last_name=surname))
    waiting = waitlist.add(actor=clinic.actor, appointment=later, now=NOW)
    offer = Offer.objects.create(
        entry=waiting, center=center, appointment=later, appointment_start=later.start, chair=clinic.chairs[0],
        start=utc("2026-11-26T15:00"), taken_from=utc("2026-11-26T15:00"), taken_until=utc("2026-11-26T15:30"),
        created_at=NOW, expires_at=NOW + timedelta(hours=2),
    )  # fmt: skip
    note = HandoverNote.objects.create(
        unit=clinic.day, date=date(2026, 11, 24), text="The pump beeps.", author=member, at=NOW
    )
    visit = course.visits.order_by("ordinal").last()
    assert visit is not None
    return Things(
        {
            "center": center.pk,
            "unit": clinic.day.pk,
            "unit_code": clinic.day.code,
            "chair": clinic.chairs[0].pk,
            "patient": patient.pk,
            "appointment": booked.pk,
            "other": later.pk,
            "course": course.pk,
            "visit": visit.pk,
            "nurse": nurse.pk,
            "shift": shift.pk,
            "absence": Event.objects.get(subject="nurse", subject_id=ill.pk).pk,
            "closure": closure.pk,
            "protocol": own.pk,
            "unitday": unit_day.pk,
            "waiting": waiting.pk,
            "contact": patient.contacts.get().pk,
            "offer": offer.pk,
            "message": booked.ledger.order_by("pk")[0].pk,
            "membership": Membership.objects.get(user=member).pk,
            "sign_in": sign_in.pk,
            "note": note.pk,
            "key": _key_row(center.code, surname).pk,
            "import": _import_of(clinic).pk,
        }
    )


def _import_of(clinic: Clinic) -> Import:
    table = import_files.read(b"MRN,Last name,DOB\n1,Nobody,soon\n")
    return imports.create(actor=clinic.actor, center=clinic.center, kind="patients", table=table, now=NOW)


def _key_row(center_code: str, surname: str) -> ApiKey:
    key = api_keys.issue(
        actor=Actor.job("test"), name=f"Key {surname}", center_code=center_code, role=INTEGRATION, now=EARLY
    )
    return ApiKey.objects.get(key_hash=api_keys.hash_of(key))


EVERYBODY = (*PEOPLES_ROLES, "stranger", "nobody", "anonymous", "operator")


@dataclass
class World:
    """`people`: `front-desk`, `nurse`, `manager`, `auditor`, `wall` of our center, the `stranger` who manages the other
    one, `nobody` who is signed in and at no center, `anonymous`, and the `operator` who runs the service."""

    clinic: Clinic
    other: Clinic
    own: Things
    foreign: Things
    people: dict[str, Client]

    def person(self, who: str, **options: Any) -> Client:
        """A new browser window of hers, so that who signs out here is still signed in elsewhere."""
        client = Client(raise_request_exception=False, **options)
        client.cookies.update(self.people[who].cookies)
        return client

    def key(self, role: str = INTEGRATION, scopes: Iterable[str] | None = None) -> Client:
        """A program that holds a key of our center."""
        key = api_keys.issue(
            actor=Actor.job("test"), name="Walk", center_code=self.clinic.center.code, role=role, scopes=scopes,
            now=NOW - timedelta(days=1),
        )  # fmt: skip
        return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {key}"})


def make_world() -> World:
    """To be called on the Tuesday of tests/web."""
    clinic, other = make_clinic(), _elsewhere()
    return World(
        clinic, other, things_of(clinic, SECRET), things_of(other, THEIRS),
        {who: _signed_in(who, clinic, other) for who in EVERYBODY},
    )  # fmt: skip


def _signed_in(who: str, clinic: Clinic, other: Clinic) -> Client:
    client = Client()
    if who in PEOPLES_ROLES:
        client.force_login(make.make_user(clinic.center, who))
    elif who == "stranger":
        client.force_login(make.make_user(other.center, MANAGER))
    elif who == "nobody":
        client.force_login(get_user_model().objects.create_user("nobody"))
    elif who == "operator":
        client.force_login(make.make_user(clinic.center, FRONT_DESK, is_staff=True, is_superuser=True))
    return client


def _elsewhere() -> Clinic:
    center = make.make_center(name="Elsewhere")
    day = make.make_day_suite(center, code="elsewhere")
    night = make.make_night_suite(center, code="elsewhere-24")
    return Clinic(
        center=center,
        day=day,
        night=night,
        chairs=[make.make_chair(day)],
        bed=make.make_bed(night),
        quarterly=make.make_quarterly(code="elsewhere-quarterly", center=center),
        rescue=make.make_rescue(code="elsewhere-rescue", center=center),
        dhe=make.make_dhe(code="elsewhere-dhe", center=center),
        actor=make.make_actor(center),
    )


def may(who: str, action: str) -> bool:
    return who in permissions.ROLES and permissions.may(who, action)
