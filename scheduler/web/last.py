"""The last thing this person did, for the foot of the board with its Undo. Kept in the session: ids and times only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduler.models import Appointment, Center
from scheduler.web import words

KEY = "last_act"
OFFERED_FOR = timedelta(minutes=15)


def remember(session: SessionBase, *, verb: str, appointment: Appointment, now: datetime, also: int = 0) -> None:
    """`appointment` as it is after the act: its version says later whether somebody has changed it since. `also`: how
    many other visits were moved with it."""
    session[KEY] = {
        "verb": verb,
        "appointment": appointment.pk,
        "at": now.isoformat(),
        "version": appointment.version,
        "also": also,
    }


def forget(session: SessionBase) -> None:
    session.pop(KEY, None)


def of(session: SessionBase) -> dict[str, Any] | None:
    return session.get(KEY)


def toast(
    session: SessionBase, center: Center, now: datetime, *, shown: Iterable[Appointment] = ()
) -> dict[str, Any] | None:
    """The sentence and what its Undo needs; None where nothing was done lately. `shown` are visits that the page has
    read already."""
    done = of(session)
    if done is None:
        return None
    at = parse_datetime(done["at"])
    if at is None or now - at > OFFERED_FOR:
        return None
    appointment = next((each for each in shown if each.pk == done["appointment"]), None) or (
        Appointment.objects.filter(pk=done["appointment"], center=center).select_related("patient", "chair").first()
    )
    if appointment is None:
        return None
    return {
        "sentence": _sentence(done["verb"], appointment, center) + _also(done["also"]),
        "appointment": appointment,
        "version": done["version"],
        "is_undoable": done["verb"] not in ("undo", "reopen"),
    }


def _also(others: int) -> str:
    if not others:
        return ""
    return ngettext(", with %(number)s other visit", ", with %(number)s other visits", others) % {"number": others}


def _sentence(verb: str, appointment: Appointment, center: Center) -> str:
    facts = {
        "name": appointment.patient.full_name if appointment.patient else _("The hold"),
        "chair": appointment.chair.name[:1].lower() + appointment.chair.name[1:],
        "time": words.clock(appointment.start.astimezone(center.zone)),
    }
    sentences = {
        "book": _("%(name)s booked, %(chair)s, %(time)s"),
        "move": _("%(name)s moved to %(chair)s, %(time)s"),
        "swap": _("%(name)s swapped to %(chair)s, %(time)s"),
        "cancel": _("%(name)s cancelled, %(time)s"),
        "reopen": _("%(name)s booked again, %(time)s"),
        "confirm": _("%(name)s confirmed, %(time)s"),
        "arrive": _("%(name)s has arrived"),
        "check-in": _("%(name)s checked in"),
        "start": _("%(name)s: treatment started"),
        "phase": _("%(name)s: next step"),
        "complete": _("%(name)s: treatment complete"),
        "no-show": _("%(name)s did not come, %(time)s"),
        "reaction": _("%(name)s: reaction noted"),
        "correct": _("%(name)s: times entered"),
        "undo": _("Undone: %(name)s, %(time)s"),
    }
    return sentences[verb] % facts
