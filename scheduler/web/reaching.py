"""The desk keeps how a patient is reached: the forms on her page. Each post says at which contact and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from scheduler.domain.errors import Malformed, NotFound, Stale
from scheduler.models import Contact, Patient
from scheduler.queries import people
from scheduler.services import contacts, stops
from scheduler.services.contacts import ContactFacts
from scheduler.web import patients
from scheduler.web.door import Desk, door
from scheduler.web.reach_view import FIELDS, NEW, Trouble, relation

_LABELS = {
    "name": lambda contact: contact.name,
    "relation": lambda contact: relation(contact.relation),
    "email": lambda contact: contact.email,
    "phone": lambda contact: contact.phone,
    "language": lambda contact: contact.language,
    "channel": lambda contact: contact.get_channel_display(),
}


@door("edit-patients", posts=True, gets=False)
def add(desk: Desk, *, pk: int) -> HttpResponse:
    """One more contact."""
    patient = people.patient(center=desk.center, pk=pk)
    facts = _facts(desk, may_be_mailed=bool(desk.request.POST.get("may_be_mailed")))
    try:
        made = contacts.add(actor=desk.actor, patient=patient, center=desk.center, facts=facts, now=desk.now)
    except Malformed as malformed:
        return _not_saved(desk, patient, NEW, malformed)
    return _back(patient, made.pk)


@door("edit-patients", posts=True, gets=False)
def act(desk: Desk, *, pk: int, contact: int) -> HttpResponse:
    """Save, stop, start, make it the first, or remove it."""
    patient = people.patient(center=desk.center, pk=pk)
    row = contacts.find(patient=patient, pk=contact)
    given: dict[str, Any] = {"actor": desk.actor, "contact": row, "now": desk.now}
    as_read = desk.request.POST.get("as_read")
    acts: dict[str, Callable[[], object]] = {
        "save": lambda: contacts.change(**given, center=desk.center, facts=_facts(desk), as_read=as_read),
        "remove": lambda: contacts.remove(**given, as_read=as_read),
        "primary": lambda: contacts.make_primary(**given),
        "stop": lambda: stops.stop(**given),
        "start": lambda: stops.start(**given),
    }
    do = desk.request.POST.get("do", "save")
    if do not in acts:
        raise NotFound
    try:
        acts[do]()
    except Malformed as malformed:
        return _not_saved(desk, patient, row.pk, malformed)
    except Stale:
        return _stale(desk, patient, row)
    return _back(patient, None if do == "remove" else row.pk)


def _facts(desk: Desk, *, may_be_mailed: bool | None = None) -> ContactFacts:
    typed: dict[str, Any] = {name: value.strip() for name, value in _typed(desk).items()}
    return ContactFacts(
        **{name: typed[name] for name in FIELDS if name != "may_book"},
        may_book=bool(typed["may_book"]),
        may_be_mailed=may_be_mailed,
    )


def _typed(desk: Desk) -> dict[str, str]:
    return {name: desk.request.POST.get(name, "") for name in (*FIELDS, "may_be_mailed")}


def _not_saved(desk: Desk, patient: Patient, contact: int, malformed: Malformed) -> HttpResponse:
    trouble = Trouble(contact, _typed(desk), wrong={malformed.field: malformed.say(_)})
    return patients.shown(desk, patient, trouble=trouble, status=400)


def _stale(desk: Desk, patient: Patient, row: Contact) -> HttpResponse:
    """What she typed stays in the form, beside what stands there now; saving again writes it."""
    typed = _typed(desk)
    now_there = tuple(
        str(say(row)) for name, say in _LABELS.items() if str(getattr(row, name)) != typed[name].strip() and say(row)
    )
    return patients.shown(desk, patient, trouble=Trouble(row.pk, typed, changed=now_there or ("",)), status=409)


def _back(patient: Patient, contact: int | None) -> HttpResponse:
    anchor = f"#contact-{contact}" if contact is not None else "#reach"
    return redirect(reverse("patient", args=[patient.pk]) + anchor)
