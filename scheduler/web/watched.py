"""What an open list is made from, so that it can follow: to be asked before the rest of the page is read."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from scheduler.models import Patient
from scheduler.queries import stands
from scheduler.web.door import Desk


def of_center(desk: Desk) -> dict[str, Any]:
    """For pages that anything in the center may change."""
    return _context(stands.key_of_center(desk.center.pk), reverse("center-version"), reverse("live-center"))


def of_patient(patient: Patient) -> dict[str, Any]:
    """For her own page: each reading of it is on record, so it is read again only when something of hers changed."""
    pk = {"pk": patient.pk}
    key = stands.key_of_patient(patient.pk)
    return _context(key, reverse("patient-version", kwargs=pk), reverse("live-patient", kwargs=pk))


def _context(key: str, live: str, stream: str) -> dict[str, Any]:
    return {"stands": {"version": stands.of(key), "live": live, "stream": stream}}
