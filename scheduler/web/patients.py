"""Patients: find, register, and one patient with all that is coming, running and past."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from scheduler.domain import names
from scheduler.domain.errors import Malformed, Refused
from scheduler.models import Patient
from scheduler.queries import duplicates, people
from scheduler.services import record
from scheduler.services.patients import ContactFacts, create_patient
from scheduler.web import patient_view, reach_view, watched, words
from scheduler.web.dates import NO_BIRTH_DATE
from scheduler.web.door import Desk, door, page
from scheduler.web.sorting import Column, arrange


@door("view-patients", posts=True)
def patients(desk: Desk) -> HttpResponse:
    """Searches are posts: nothing personal may stand in an address. With `typing` what was typed may go on, so that one
    alone is shown with the others' form and not gone to."""
    query = desk.request.POST.get("q", "").strip()
    found = people.search(center=desk.center, query=query) if query else []
    if query:
        record.access(actor=desk.actor, patient=None, what="patient-search", now=desk.now)
    if len(found) == 1 and "typing" not in desk.request.POST:
        return redirect("patient", pk=found[0].pk)
    table = arrange(desk, found, _columns(), asked=desk.request.POST.get("sort", "name")).mapped(
        lambda each: _line(desk, each)
    )
    context = {
        "title": _("Patients"),
        "place": "patients",
        "query": query,
        "found": table.rows,
        "heads": table.heads,
        "is_cut": len(found) == people.MOST,
    }
    return page(desk, "scheduler/patients.html", context)


def _columns() -> list[Column[Patient]]:
    return [
        Column("name", _("Name"), lambda each: each.listed_name),
        Column("born", _("Born"), lambda each: each.birth_date),
        Column("mrn", _("MRN"), people.mrn_of),
    ]


def _line(desk: Desk, patient: Patient) -> dict[str, Any]:
    return {
        "patient": patient,
        "born": words.born(patient.birth_date, desk.today),
        "mrn": people.mrn_of(patient),
    }


@door("edit-patients", posts=True)
def new(desk: Desk) -> HttpResponse:
    post = desk.request.POST
    wrong: dict[str, str] = {}
    alike: list[duplicates.Alike] = []
    if desk.request.method == "POST":
        alike = [] if post.get("somebody_else") else _alike(desk)
        made = None if alike else _register(desk, wrong)
        if made is not None:
            return redirect("patient", pk=made.pk)
    context = {
        "alike": [_line(desk, each.patient) | {"by_phone": each.by_phone} for each in alike],
        "title": _("New patient"),
        "place": "patients",
        "post": post,
        "wrong": wrong,
        "relations": [(code, reach_view.relation(code)) for code in reach_view.RELATIONS],
    }
    return page(desk, "scheduler/patient_new.html", context, status=400 if wrong else 409 if alike else 200)


def _alike(desk: Desk) -> list[duplicates.Alike]:
    """Who is probably here already under another number; to be looked at before she is registered once more."""
    post = desk.request.POST
    born = names.birth_date(post.get("birth_date", ""))
    if born is None:
        return []
    found = duplicates.of(
        center=desk.center,
        first_name=post.get("first_name", ""),
        last_name=post.get("last_name", ""),
        birth_date=born,
        phones=[post.get("phone", "")],
    )
    if found:
        record.access(actor=desk.actor, patient=None, what="patient-duplicates", now=desk.now)
    return found


def _register(desk: Desk, wrong: dict[str, str]) -> Patient | None:
    post = desk.request.POST
    born = names.birth_date(post.get("birth_date", ""))
    if born is None:
        wrong["birth_date"] = _(NO_BIRTH_DATE)
        return None
    contact = ContactFacts(
        name=post.get("contact_name", "").strip(),
        relation=post.get("relation", "self"),
        email=post.get("email", "").strip(),
        phone=post.get("phone", "").strip(),
        may_be_mailed=bool(post.get("may_be_mailed")),
        may_book=bool(post.get("may_book")),
    )
    try:
        return create_patient(
            actor=desk.actor,
            center=desk.center,
            first_name=post.get("first_name", ""),
            last_name=post.get("last_name", ""),
            birth_date=born,
            mrn=post.get("mrn", ""),
            contacts=[contact],
            now=desk.now,
            **{name: post.get(name, "").strip() for name in ("pronouns", "allergies", "needs", "desk_notes")},
        )
    except Malformed as malformed:
        wrong[malformed.field] = malformed.say(_)
    except Refused as refused:
        wrong["mrn"] = refused.refusals[0].say(_)
    return None


@door("view-patients")
def patient(desk: Desk, *, pk: int) -> HttpResponse:
    kept = people.led_to(center=desk.center, pk=pk)
    if kept is not None:  # she was merged into another entry
        return redirect("patient", pk=kept)
    return shown(desk, people.patient(center=desk.center, pk=pk))


def shown(desk: Desk, found: Patient, *, trouble: reach_view.Trouble | None = None, status: int = 200) -> HttpResponse:
    """Her page; with `trouble`, what was typed into the form of a contact and why it wasn't saved."""
    context = {"title": found.full_name, "place": "patients", "patient": found}
    if status == 200:
        context |= watched.of_patient(found)
    record.access(actor=desk.actor, patient=found, what="patient", now=desk.now)
    context |= patient_view.view(desk, found) | reach_view.view(desk, found, trouble)
    return page(desk, "scheduler/patient.html", context, status=status)
