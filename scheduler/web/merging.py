"""Merge two entries of one patient: find the other one, see both side by side, and say yes."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from scheduler.domain.errors import Malformed, NotFound, Refused
from scheduler.models import Patient
from scheduler.queries import duplicates, people
from scheduler.services import merging, record
from scheduler.web import words
from scheduler.web.door import Desk, door, page


@door("merge-patients", posts=True)
def merge(desk: Desk, *, pk: int) -> HttpResponse:
    """The one in the address is kept. Searching and choosing are posts: nothing personal stands in an address."""
    kept = people.patient(center=desk.center, pk=pk)
    post = desk.request.POST
    query, trouble, status = post.get("q", "").strip(), "", 200
    other = _other(desk, post.get("other", ""))
    if other is not None and post.get("do") == "merge":
        try:
            merging.merge(actor=desk.actor, center=desk.center, kept=kept, gone=other, now=desk.now)
            return redirect("patient", pk=pk)
        except Malformed as malformed:
            trouble, status = malformed.say(_), 400
        except Refused as refused:
            trouble, status = refused.refusals[0].say(_), 409
    for one in [kept, *([other] if other is not None else [])]:
        record.access(actor=desk.actor, patient=one, what="merge", now=desk.now)
    context: dict[str, Any] = {
        "title": _("Merge two entries"),
        "place": "patients",
        "patient": kept,
        "query": query,
        "found": [_entry(desk, each) for each in _candidates(desk, kept, query)] if other is None else [],
        "trouble": trouble,
    }
    if other is not None and other.pk != kept.pk:
        seen = merging.preview(center=desk.center, kept=kept, gone=other, now=desk.now)
        context |= {
            "other": other,
            "both": _both(desk, kept, other),
            "moved": _moved(seen.moved),
            "against": [refusal.say(_) for refusal in seen.refusals],
        }
    return page(desk, "scheduler/patient_merge.html", context, status=status)


def _other(desk: Desk, chosen: str) -> Patient | None:
    if not chosen:
        return None
    if not chosen.isdecimal() or len(chosen) > 18:
        raise NotFound
    return people.patient(center=desk.center, pk=int(chosen))


def _candidates(desk: Desk, kept: Patient, query: str) -> list[Patient]:
    """Who was looked for; before that, who is probably she."""
    if query:
        return [each for each in people.search(center=desk.center, query=query) if each.pk != kept.pk]
    phones = [contact.phone for contact in kept.contacts.all()]
    alike = duplicates.of(
        center=desk.center,
        first_name=kept.first_name,
        last_name=kept.last_name,
        birth_date=kept.birth_date,
        phones=phones,
    )
    return [each.patient for each in alike if each.patient.pk != kept.pk]


def _entry(desk: Desk, patient: Patient) -> dict[str, Any]:
    return {"patient": patient, "born": words.born(patient.birth_date, desk.today), "mrn": people.mrn_of(patient)}


def _both(desk: Desk, kept: Patient, other: Patient) -> list[tuple[str, str, str]]:
    """What stands side by side; empty on both sides is left out."""
    rows = [
        (_("Name"), kept.listed_name, other.listed_name),
        (_("Born"), words.born(kept.birth_date, desk.today), words.born(other.birth_date, desk.today)),
        (_("MRN"), people.mrn_of(kept), people.mrn_of(other)),
        (_("Phone"), _of_contacts(kept, "phone"), _of_contacts(other, "phone")),
        (_("E-mail"), _of_contacts(kept, "email"), _of_contacts(other, "email")),
        (_("Allergies"), kept.allergies, other.allergies),
        (_("Needs"), kept.needs, other.needs),
    ]
    return [row for row in rows if row[1] or row[2]]


def _of_contacts(patient: Patient, name: str) -> str:
    return ", ".join(value for contact in patient.contacts.all() if (value := getattr(contact, name)))


def _moved(counts: dict[str, int]) -> list[tuple[str, int]]:
    says = {
        "courses": _("Courses"),
        "appointments": _("Visits"),
        "doses": _("Doses given"),
        "contacts": _("Contacts"),
        "messages": _("Messages"),
        "waiting": _("Entries of the waiting list"),
        "notes": _("Handover notes"),
    }
    return [(says[name], count) for name, count in counts.items()]
