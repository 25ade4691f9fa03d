"""A patient's entry is corrected: a name as she spells it, an allergy, a note for the desk."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from scheduler.domain import names
from scheduler.domain.errors import Malformed, Stale
from scheduler.models import Patient
from scheduler.queries import people
from scheduler.services import record
from scheduler.services.patients import patient_fingerprint, update_patient
from scheduler.web.dates import NO_BIRTH_DATE
from scheduler.web.door import Desk, door, page

TEXTS = ("first_name", "last_name", "pronouns", "allergies", "needs", "desk_notes")


@door("edit-patients", posts=True)
def edit(desk: Desk, *, pk: int) -> HttpResponse:
    """GET shows the entry as it is; POST saves it, unless somebody changed it since it was shown: then nothing is
    saved, what was typed stays, and what stands there now is shown beside it."""
    patient = people.patient(center=desk.center, pk=pk)
    record.access(actor=desk.actor, patient=patient, what="patient", now=desk.now)
    if desk.request.method != "POST":
        return _form(desk, patient, _typed(patient))
    # Browsers send the lines of a note with both signs of a line's end.
    sent = {name: desk.request.POST.get(name, "") for name in (*TEXTS, "birth_date")}
    post = {name: value.replace("\r\n", "\n").strip() for name, value in sent.items()}
    born = names.birth_date(post["birth_date"])
    if born is None:
        return _form(desk, patient, post, wrong={"birth_date": _(NO_BIRTH_DATE)}, status=400)
    changes: dict[str, Any] = {name: post[name] for name in TEXTS} | {"birth_date": born}
    changes = {name: value for name, value in changes.items() if value != getattr(patient, name)}
    try:
        update_patient(
            actor=desk.actor,
            patient=patient,
            center=desk.center,
            changes=changes,
            as_read=desk.request.POST.get("as_read", ""),
            now=desk.now,
        )
    except Malformed as wrong:
        return _form(desk, patient, post, wrong={wrong.field: wrong.say(_)}, status=400)
    except Stale:
        now_there = {name: value for name, value in _typed(patient).items() if value != post[name]}
        return _form(desk, patient, post, now_there=now_there, status=409)
    return redirect("patient", pk=patient.pk)


def _typed(patient: Patient) -> dict[str, str]:
    born = patient.birth_date
    texts = {name: str(getattr(patient, name)) for name in TEXTS}
    return texts | {"birth_date": f"{born.day} {born.month} {born.year}"}


def _form(
    desk: Desk,
    patient: Patient,
    post: dict[str, str],
    *,
    wrong: dict[str, str] | None = None,
    now_there: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    labels = {
        "first_name": _("First name"),
        "last_name": _("Last name"),
        "birth_date": _("Birth date"),
        "pronouns": _("Pronouns"),
        "allergies": _("Allergies"),
        "needs": _("Needs"),
        "desk_notes": _("Notes for the desk"),
    }
    context = {
        "title": _("Correct the entry of %(name)s") % {"name": patient.full_name},
        "place": "patients",
        "patient": patient,
        "post": post,
        "wrong": wrong or {},
        "is_stale": now_there is not None,
        "now_there": [(labels[name], value) for name, value in (now_there or {}).items()],
        "as_read": patient_fingerprint(patient),
    }
    return page(desk, "scheduler/patient_edit.html", context, status=status)
