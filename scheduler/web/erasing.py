"""Erase a patient: what it means, why, and who you are once more."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from scheduler.domain.errors import Malformed, Refused
from scheduler.queries import people
from scheduler.services import erasure, record
from scheduler.web import confirm
from scheduler.web.door import Desk, door, page


@door("erase-patients", posts=True)
def erase(desk: Desk, *, pk: int) -> HttpResponse:
    patient = people.patient(center=desk.center, pk=pk)
    reason, trouble, status = desk.request.POST.get("reason", ""), "", 200
    if desk.request.method == "POST":
        if ask := confirm.needed(desk):
            return ask
        try:
            erasure.erase(actor=desk.actor, center=desk.center, patient=patient, reason=reason, now=desk.now)
            return redirect("patient", pk=pk)
        except Malformed as malformed:
            trouble, status = malformed.say(_), 400
        except Refused as refused:
            trouble, status = refused.refusals[0].say(_), 409
    record.access(actor=desk.actor, patient=patient, what="erase", now=desk.now)
    context = {
        "title": _("Erase a patient"),
        "place": "patients",
        "patient": patient,
        "mrn": people.mrn_of(patient),
        "reason": reason,
        "trouble": trouble,
        "most": erasure.LONGEST_REASON,
    }
    return page(desk, "scheduler/patient_erase.html", context, status=status)
