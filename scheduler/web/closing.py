"""Close a chair, a unit or a day, or do without a nurse: who is affected is shown before anything is saved."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduler.domain import localtime
from scheduler.domain.errors import Forbidden, Malformed, NotFound, Refused, Stale
from scheduler.models import Chair, Closure
from scheduler.queries import absence as absences
from scheduler.queries import closing as closings
from scheduler.queries.away import away
from scheduler.queries.closures import closed_ahead
from scheduler.services import closing, record, returning, setup
from scheduler.web import closing_view, counts, words
from scheduler.web.closing_form import Form, absence_of, accepted_of, closure_of, prefilled, read_form
from scheduler.web.door import Desk, door, page

MOST_AHEAD = 10
DONE = "closing-done"  # in the session: what was saved last, for the page that follows; ids and numbers only


@door("note-outage", posts=True)
def close(desk: Desk) -> HttpResponse:
    """The form; `do=preview` shows who is affected and saves nothing, `do=save` saves with who is ticked."""
    post = desk.request.POST
    if desk.request.method != "POST":
        return _form(desk, prefilled(desk, desk.request.GET))
    form = read_form(post)
    if post.get("do") not in ("preview", "save"):
        return _form(desk, form)
    try:
        if post["do"] == "save":
            return _save(desk, form)
        return _preview(desk, form)
    except Malformed as wrong:
        return _form(desk, form, {wrong.field: wrong.say(_)}, status=400)


@door("note-outage", posts=True, gets=False)
def lift(desk: Desk, *, pk: int) -> HttpResponse:
    closure = Closure.objects.filter(pk=pk, center=desk.center, kind=Closure.Kind.CLOSED).first()
    if closure is None:
        raise Http404
    if closure.chair_id is None:
        desk.need("edit-setup")
    try:
        setup.remove_closure(actor=desk.actor, closure=closure, now=desk.now)
    except (Stale, NotFound):
        return _form(desk, prefilled(desk, desk.request.GET), trouble=[_changed()], status=409)
    desk.request.session[DONE] = {"opened": {"unit": closure.unit_id, "chair": closure.chair_id}}
    counts.forget(desk.center)
    return redirect("close")


@door("note-outage", posts=True, gets=False)
def bring_back(desk: Desk, *, pk: int) -> HttpResponse:
    """She is here after all. `pk` is the event that noted her away."""
    trouble: list[str]
    try:
        back = returning.bring_back(actor=desk.actor, center=desk.center, noted=pk, now=desk.now)
    except Stale:
        trouble = [_("Somebody has done that already, or changed the shift. This is how it stands now.")]
    except Refused as refused:
        trouble = [_("Nothing was saved."), *(each.say(_) for each in refused.refusals)]
    except (Malformed, Forbidden) as wrong:
        desk.note_denial(wrong)
        trouble = [wrong.say(_)]
    else:
        desk.request.session[DONE] = {"back": back.nurse.pk, "moved": back.moved}
        counts.forget(desk.center)
        return redirect("close")
    return _form(desk, prefilled(desk, desk.request.GET), trouble=trouble, status=409)


def _save(desk: Desk, form: Form) -> HttpResponse:
    post = desk.request.POST
    accepted = accepted_of(post.getlist("accept"))
    picture = post.get("picture", "")
    done: dict[str, Any]
    try:
        if form.is_absence:
            away = absence_of(desk, form)
            moved = closing.take_off(
                actor=desk.actor,
                absence=away,
                accepted=accepted,
                reason=form.values["reason"],
                picture=picture,
                now=desk.now,
            )
            done = {"nurse": away.nurse.pk, "moved": len(moved)}
        else:
            closed = closing.close(
                actor=desk.actor,
                center=desk.center,
                facts=closure_of(desk, form),
                accepted=accepted,
                picture=picture,
                now=desk.now,
            )
            done = {"closure": closed.closure.pk, "moved": len(closed.moved)}
    except Stale:
        return _preview(desk, form, trouble=[_changed()])
    except Refused as refused:
        said = list(dict.fromkeys(each.say(_) for each in refused.refusals))
        return _preview(desk, form, trouble=[_("Nothing was saved."), *said])
    except Forbidden as no:
        desk.note_denial(no)
        return _preview(desk, form, trouble=[no.say(_)])
    desk.request.session[DONE] = done
    counts.forget(desk.center)
    return redirect("close")


def _changed() -> str:
    return _("Somebody has changed something here since this was shown. Nothing was saved; this is how it stands now.")


def _preview(desk: Desk, form: Form, *, trouble: list[str] | None = None) -> HttpResponse:
    record.access(actor=desk.actor, patient=None, what="closing", now=desk.now)
    if form.is_absence:
        away = absence_of(desk, form)
        form.values["since"] = away.since.isoformat()
        form.values["reason"] = form.values["reason"] or _("Away today")
        shown = closing_view.absence(desk, away, absences.plan(away, now=desk.now))
    else:
        draft = closing.draft_of(desk.center, closure_of(desk, form))
        shown = closing_view.closure(desk, draft, closings.plan(draft, now=desk.now))
    context = shown | {"title": _("Close"), "place": "worklist", "form": form, "trouble": trouble or []}
    return page(desk, "scheduler/closing_preview.html", context, status=409 if trouble else 200)


def _form(
    desk: Desk,
    form: Form,
    wrong: dict[str, str] | None = None,
    *,
    trouble: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    zone = desk.center.zone
    today = localtime.day(desk.today, zone)
    ahead = sorted(closed_ahead(desk.center, desk.now), key=lambda row: (row.starts_at, row.pk))
    shifts = absences.on_today(desk.center.pk, desk.now, today)
    nurses: dict[int, dict[str, Any]] = {}
    for shift in shifts:
        known = nurses.setdefault(shift.nurse_id, {"pk": shift.nurse_id, "name": shift.nurse.name, "shifts": []})
        start, end = shift.starts_at.astimezone(zone), shift.ends_at.astimezone(zone)
        known["shifts"].append(f"{shift.unit.name} {words.clock(start)}–{words.clock(end)}")
    context = {
        "title": _("Close"),
        "place": "worklist",
        "form": form.values,
        "wrong": wrong or {},
        "trouble": trouble or [],
        "nurses": list(nurses.values()),
        "away": [closing_view.gone(desk, one) for one in away(desk.center.pk, desk.now)],
        "chairs": Chair.objects.filter(unit__center=desk.center, is_active=True).select_related("unit"),
        "closures": [_ahead(desk, row) for row in ahead[:MOST_AHEAD]],
        "more": len(ahead[MOST_AHEAD:]),
        "done": _done(desk),
        "today": desk.today.isoformat(),
    }
    return page(desk, "scheduler/closing.html", context, status=status)


def _ahead(desk: Desk, row: Closure) -> dict[str, Any]:
    return {
        "pk": row.pk,
        "name": closing_view.place_name(desk, row),
        "when": closing_view.span(desk, row.starts_at, row.ends_at),
        "reason": row.reason,
        "may_lift": desk.may("edit-setup") or row.chair_id is not None,
    }


def _done(desk: Desk) -> dict[str, Any] | None:
    """What was saved just before, said once."""
    known = desk.request.session.pop(DONE, None)
    if known is None:
        return None
    if "opened" in known:
        return _opened(desk, known["opened"])
    moved = ngettext("%(count)s visit has a new place.", "%(count)s visits have a new place.", known["moved"])
    said = {"moved": moved % {"count": known["moved"]} if known["moved"] else _("Nobody was moved.")}
    if "closure" in known:
        row = Closure.objects.filter(pk=known["closure"], center=desk.center).select_related("unit", "chair").first()
        if row is None:
            return None
        return said | {
            "lift": reverse("close-lift", args=[row.pk]),
            "head": _("%(place)s is closed.") % {"place": closing_view.place_name(desk, row)},
        }
    nurse = desk.center.nurses.filter(pk=known.get("nurse") or known.get("back")).first()
    if nurse is None:
        return None
    if "back" in known:
        return {"head": _("%(nurse)s is here after all.") % {"nurse": nurse.name}, "moved": _stays(known["moved"])}
    return said | {"head": _("%(nurse)s is away.") % {"nurse": nurse.name}}


def _opened(desk: Desk, place: dict[str, int | None]) -> dict[str, Any]:
    unit = desk.center.units.filter(pk=place["unit"] or 0).first()
    chair = Chair.objects.filter(pk=place["chair"] or 0, unit__center=desk.center).select_related("unit").first()
    was = Closure(center=desk.center, unit=unit, chair=chair)
    return {
        "head": _("%(place)s is open again.") % {"place": closing_view.place_name(desk, was)},
        "moved": _("Who was moved meanwhile stays at the new place."),
    }


def _stays(moved: int) -> str:
    if not moved:
        return _("The shift is as it was. Nobody had been moved.")
    said = ngettext(
        "The shift is as it was. %(count)s visit that was moved stays at its new place.",
        "The shift is as it was. %(count)s visits that were moved stay at their new places.",
        moved,
    )
    return said % {"count": moved}
