"""A place that was clicked on the board is kept while its form is filled in. A hold that can't be had stops nobody:
the booking itself is what decides."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from scheduler.domain.errors import Malformed, Refused, Stale
from scheduler.models import Appointment, Chair
from scheduler.services import booking
from scheduler.web import words
from scheduler.web.door import Desk

USUAL_MINUTES = 30  # until it is known what is booked


def read(desk: Desk, pk: int | None) -> Appointment | None:
    """The hold that the form names, if it is a hold of this center and still stands."""
    if pk is None:
        return None
    found = Appointment.objects.filter(pk=pk, center=desk.center, status="pending", hold_expires_at__gt=desk.now)
    return found.select_related("chair__unit__center", "unit__center", "visit").first()


def take(desk: Desk, *, chair: Chair, at: datetime, minutes: int | None) -> tuple[Appointment | None, str]:
    """The hold, or the sentence that says why there is none."""
    try:
        made = booking.hold(actor=desk.actor, chair=chair, start=at, minutes=minutes or USUAL_MINUTES, now=desk.now)
    except Refused as refused:
        return None, " ".join(each.say(_) for each in refused.refusals)
    except Malformed as wrong:
        return None, wrong.say(_)
    return made, ""


def fit(desk: Desk, hold: Appointment, treatment: dict[str, Any]) -> Appointment:
    """The hold takes the time of what was chosen, so that nobody takes the rest of it meanwhile. Raises Refused, with
    what would work, where there is not that much; then the hold stays as it was. One that ended just now is left to
    the booking to say."""
    try:
        return booking.resize(actor=desk.actor, hold=hold, now=desk.now, **treatment)
    except (Malformed, Stale):
        return hold


def give_back(desk: Desk, hold: Appointment) -> None:
    """The form was left. Somebody else may have ended the hold by now, which is the same."""
    try:
        booking.cancel(actor=desk.actor, appointment=hold, reason=_("not booked after all"), now=desk.now)
    except Refused:
        return


def shown(desk: Desk, hold: Appointment | None, refused: str, data: QueryDict) -> dict[str, Any]:
    """What the form says of it: until when, or why not."""
    if hold is None or hold.hold_expires_at is None:
        return {"said": refused, "is_over": bool(data.get("hold")) and not refused}
    left = max(int((hold.hold_expires_at - desk.now).total_seconds()), 0)
    return {
        "pk": hold.pk,
        "minutes": int((hold.end - hold.start).total_seconds()) // 60,
        "seconds": left,
        "left": f"{left // 60}:{left % 60:02}",
        "clock": words.clock(hold.hold_expires_at.astimezone(desk.center.zone)),
    }
