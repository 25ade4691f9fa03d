"""Operations of the mails: what is due, sent and failed, how far behind, and the button that mends a stuck one."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from scheduler.domain.errors import Refused
from scheduler.models import Breaker, LedgerEntry
from scheduler.queries import messages as query
from scheduler.services import mending, record
from scheduler.web import words
from scheduler.web.door import Desk, door, page
from scheduler.web.sorting import Column, arrange


@door("edit-patients")
def messages(desk: Desk) -> HttpResponse:
    return show(desk)


@door("edit-patients", posts=True, gets=False)
def mend(desk: Desk, *, pk: int) -> HttpResponse:
    """Try this one again now."""
    try:
        mending.send_again(actor=desk.actor, center=desk.center, pk=pk, now=desk.now)
    except Refused as refused:
        return show(desk, trouble=refused.refusals[0].say(_), status=409)
    return redirect(reverse("messages"))


def show(desk: Desk, *, trouble: str = "", status: int = 200) -> HttpResponse:
    standing = query.standing(desk.center, desk.now)
    record.access(actor=desk.actor, patient=None, what="messages", now=desk.now)
    context = {
        "title": _("Messages"),
        "place": "messages",
        "standing": standing,
        "lag": words.length(standing.lag) if standing.lag is not None else "",
        "is_behind": standing.lag is not None and standing.lag > query.LATE_AFTER,
        "down": [_down(desk, each) for each in query.down()],
        "stuck": arrange(desk, query.stuck(desk.center, desk.now), _columns(), path=reverse("messages")).mapped(
            lambda entry: _line(desk, entry)
        ),
        "newest": [_line(desk, entry) for entry in query.newest(desk.center)],
        "trouble": trouble,
    }
    return page(desk, "scheduler/messages.html", context, status=status)


def _columns() -> list[Column[LedgerEntry]]:
    return [
        Column("patient", _("Patient"), lambda entry: entry.patient.listed_name),
        Column("what", _("What"), lambda entry: LedgerEntry.Kind(entry.kind).label),
        Column("visit", _("About the visit"), lambda entry: entry.appointment_start),
        Column("due", _("Due"), lambda entry: entry.due),
        Column("state", _("State"), lambda entry: LedgerEntry.State(entry.state).label),
        Column("tries", _("Tries"), lambda entry: entry.attempts, falls=True, is_number=True),
        Column("why", _("Why"), lambda entry: entry.error),
    ]


def _down(desk: Desk, row: Breaker) -> dict[str, Any]:
    assert row.open_since is not None  # query.down asks for these
    assert row.try_at is not None
    zone = desk.center.zone
    return {
        "is_mail": row.channel == LedgerEntry.Channel.EMAIL,
        "since": words.moment(row.open_since.astimezone(zone), desk.today),
        "next": f"{max(row.try_at, desk.now).astimezone(zone):%H:%M}",
        "error": row.error,
    }


def _line(desk: Desk, entry: LedgerEntry) -> dict[str, Any]:
    zone = desk.center.zone
    about = entry.appointment_start
    return {
        "entry": entry,
        "patient": entry.patient,
        "kind": LedgerEntry.Kind(entry.kind).label,
        "about": words.moment(about.astimezone(zone), desk.today) if about is not None else "",
        "due": words.moment(entry.due.astimezone(zone), desk.today),
        "done": words.moment(entry.done_at.astimezone(zone), desk.today) if entry.done_at is not None else "",
        "state": LedgerEntry.State(entry.state).label,
        "is_failed": entry.state == LedgerEntry.State.FAILED,
    }
