"""Answers to the checklist, and what the prescriber decided: one tap each, back to the visit on the floor."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.dateparse import parse_time

from scheduler.domain import localtime
from scheduler.domain.errors import Malformed, gettext_noop
from scheduler.services import checklists
from scheduler.web.actions import appointment_of
from scheduler.web.door import Desk, door
from scheduler.web.floor_acts import done


@door("view-clinical", posts=True, gets=False)
def answer(desk: Desk, *, pk: int) -> HttpResponse:
    appointment = appointment_of(desk, pk)
    post = desk.request.POST
    return done(
        desk,
        appointment,
        lambda: checklists.answer(
            actor=desk.actor,
            appointment=appointment,
            code=post.get("code", ""),
            says=post.get("says", ""),
            now=desk.now,
        ),
    )


@door("view-clinical", posts=True, gets=False)
def decide(desk: Desk, *, pk: int) -> HttpResponse:
    appointment = appointment_of(desk, pk)
    post = desk.request.POST

    def run() -> Any:
        at = parse_time(post.get("at", "")) if post.get("at") else None
        if post.get("at") and at is None:
            raise Malformed("at", gettext_noop("A time of the day is written as 10:00."))
        minute = at.hour * 60 + at.minute if at is not None else None
        decided_at = localtime.at(desk.today, minute, desk.center.zone) if minute is not None else desk.now
        return checklists.decide(
            actor=desk.actor,
            appointment=appointment,
            code=post.get("code", ""),
            decision=post.get("decision", ""),
            prescriber=post.get("prescriber", ""),
            order_reference=post.get("order", ""),
            decided_at=decided_at,
            now=desk.now,
        )

    return done(desk, appointment, run)
