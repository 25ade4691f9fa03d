"""The steps of a visit, as buttons post them: each calls one service and comes back to where it was pressed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from scheduler.domain.errors import Forbidden, Malformed, Refused, Stale
from scheduler.models import Appointment, Event
from scheduler.services import attendance, booking, undo
from scheduler.services.changes import RELATED
from scheduler.web import board, floor, last
from scheduler.web.door import Desk, door
from scheduler.web.floor_steps import reasons_not_given
from scheduler.web.sign import safe_next
from scheduler.web.visit import reasons_to_cancel

NEEDS = {
    "arrive": "attend",
    "check-in": "attend",
    "confirm": "attend",
    "no-show": "attend",
    "start": "treat",
    "phase": "treat",
    "complete": "treat",
    "cancel": "book",
    "reopen": "book",
}


UNDOING = NEEDS | {"correct": "treat", "reaction": "view-clinical"}
SAME_TAP = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a step could not be done, said at the spot. `ask` keeps the question open that it came from; `ways` are
    places that would work."""

    sentences: list[str]
    ask: str = ""
    ways: list[dict[str, Any]] = field(default_factory=list)


def appointment_of(desk: Desk, pk: int) -> Appointment:
    """404 for another center's."""
    found = Appointment.objects.filter(center=desk.center).select_related(*RELATED).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@door("view-schedule", posts=True, gets=False)
def act(desk: Desk, *, pk: int, action: str) -> HttpResponse:
    appointment = appointment_of(desk, pk)
    change = undo.last_change(appointment) if action == "undo" else None
    step, needs = _step(desk, appointment, action, change)
    desk.need(needs)
    try:
        changed = step()
    except Refused as refused:
        if action == "undo" and _is_done(desk, appointment, action):
            return _back(desk, appointment_of(desk, pk))
        return _again(desk, appointment, Trouble([each.say(_) for each in refused.refusals], ask=_ask(desk, action)))
    except (Malformed, Forbidden) as wrong:
        desk.note_denial(wrong)
        return _again(desk, appointment, Trouble([wrong.say(_)], ask=_ask(desk, action)))
    except Stale:
        if _is_done(desk, appointment, action):
            return _back(desk, appointment_of(desk, pk))
        said = _("Somebody has changed this visit since you opened it. This is how it is now; nothing was saved.")
        if action == "undo":
            said = _("Somebody has changed this visit since. This is how it is now; nothing was undone.")
        return _again(desk, appointment_of(desk, pk), Trouble([said]))
    also = undo.moved_along(change)
    last.remember(desk.request.session, verb=action, appointment=changed, now=desk.now, also=also)
    return _back(desk, changed)


def _step(
    desk: Desk, appointment: Appointment, action: str, change: Event | None
) -> tuple[Callable[[], Appointment], str]:
    """What to call, and what one must be allowed for it. `change` is what an undo would take back."""
    post = desk.request.POST
    version = post.get("version", "")
    common: dict[str, Any] = {"actor": desk.actor, "appointment": appointment, "now": desk.now}
    common["version"] = int(version) if version.isascii() and version.isdigit() else None
    if action == "undo":
        made = _booked_just_now(desk, appointment)
        if made is not None:
            reason = _("Booked by mistake")
            return lambda: booking.mark_error(**common | {"version": made}, reason=reason), "book"
        needs = UNDOING.get(change.verb, "book") if change is not None else "attend"
        return lambda: undo.undo(**common), needs
    if action not in NEEDS:
        raise Http404
    reason = _reason(post)
    steps: dict[str, Callable[[], Appointment]] = {
        "arrive": lambda: attendance.arrive(**common),
        "check-in": lambda: attendance.check_in(**common),
        "confirm": lambda: booking.confirm(**common),
        "no-show": lambda: attendance.no_show(**common, reason=reason),
        "start": lambda: attendance.start(**common),
        "phase": lambda: attendance.set_phase(**common, phase=post.get("value", "")),
        "complete": lambda: attendance.complete(**common, outcome=post.get("outcome", "given"), reason=reason),
        "cancel": lambda: booking.cancel(**common, reason=reason),
        "reopen": lambda: booking.reopen(**common),
    }
    return steps[action], NEEDS[action]


def _is_done(desk: Desk, appointment: Appointment, action: str) -> bool:
    """The very step was done a moment ago, by the same tap sent twice or by a colleague at her side: it is one step,
    and both see it."""
    done = Event.objects.filter(subject="appointment", subject_id=appointment.pk).order_by("-pk").first()
    if done is None or desk.now - done.at > SAME_TAP:
        return False
    if action == "undo":
        return done.verb in ("undo", "mark-error") and done.actor == desk.actor.who
    if done.verb != action:
        return False
    return action != "phase" or done.after.get("phase") == desk.request.POST.get("value")


def _booked_just_now(desk: Desk, appointment: Appointment) -> int | None:
    """The last thing this person did was this booking: undoing it takes it down as it was made. Its version
    then; None where she did something else."""
    done = last.of(desk.request.session)
    if done is None or (done["verb"], done["appointment"]) != ("book", appointment.pk):
        return None
    return int(done["version"])


def _reason(post: Any) -> str:
    """The chosen reason in words, with what was typed beside it."""
    chosen = dict([*reasons_to_cancel(), *reasons_not_given()]).get(post.get("reason", ""), "")
    more = post.get("more", "").strip()
    if post.get("reason") == "other":
        return more[:200]
    return ": ".join(filter(None, [chosen, more]))[:200]


def _ask(desk: Desk, action: str) -> str:
    return action if "reason" in desk.request.POST else ""


def _again(desk: Desk, appointment: Appointment, trouble: Trouble) -> HttpResponse:
    if desk.request.POST.get("from") == "floor":
        return floor.show(desk, appointment.unit, picked=appointment.pk, trouble=trouble, status=409)
    date = appointment.start.astimezone(desk.center.zone).date()
    return board.show(desk, appointment.unit, date, picked=appointment.pk, trouble=trouble, status=409)


def _back(desk: Desk, appointment: Appointment) -> HttpResponse:
    wanted = desk.request.POST.get("next")
    if wanted:
        return redirect(safe_next(desk.request, wanted))
    return redirect(visit_url(desk, appointment))


def visit_url(desk: Desk, appointment: Appointment) -> str:
    """The board of its day with the visit open; a cancelled one is on no board, so the day only."""
    date = appointment.start.astimezone(desk.center.zone).date()
    url = reverse("board", kwargs={"unit": appointment.unit.code, "date": date})
    return url if appointment.status in ("cancelled", "entered-in-error") else f"{url}?visit={appointment.pk}"
