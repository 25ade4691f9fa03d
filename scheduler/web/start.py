"""Start a course: one form, a preview that writes nothing, then all visits are booked or none."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from scheduler.domain.errors import Forbidden, Malformed, Refused
from scheduler.models import Chair, Patient, Weekday
from scheduler.queries import people
from scheduler.queries.plan import CoursePlan, preview
from scheduler.services import courses, record
from scheduler.services.courses import Placement
from scheduler.web import editing, preview_view, words
from scheduler.web.course_form import Form, read_form, request_of
from scheduler.web.dates import read_moment
from scheduler.web.door import Desk, door, page
from scheduler.web.places import Refusals, overridable, read_override
from scheduler.web.proposed import offered


@door("edit-courses", posts=True)
def start(desk: Desk, *, pk: int) -> HttpResponse:
    patient = people.patient(center=desk.center, pk=pk)
    record.access(actor=desk.actor, patient=patient, what="course-start", now=desk.now)
    post = desk.request.POST
    form = read_form(desk, post)
    if desk.request.method != "POST" or post.get("do") == "edit":
        return _form(desk, patient, form, {})
    try:
        request = request_of(desk, patient, form)
        plan = preview(center=desk.center, request=request, now=desk.now)
    except Malformed as wrong:
        return _form(desk, patient, form, {wrong.field: wrong.say(_)}, status=400)
    chosen = _in_center(desk, _placements(desk, post.getlist("chosen")))
    if post.get("choose"):
        chosen |= _in_center(desk, _placements(desk, [post["choose"]]))
    trouble = None
    edited = editing.edit(desk, plan, _placements(desk, post.getlist("place")) | chosen, chosen)
    if post.get("do") in ("book", "override") or "override_slot" in post:
        try:
            placed = _placements(desk, post.getlist("place")) | chosen
            made = courses.create(
                actor=desk.actor,
                center=desk.center,
                request=request,
                placements=list(placed.values()) or None,
                override=read_override(desk),
                now=desk.now,
            )
            return redirect("course", pk=made.pk)
        except Refused as refused:
            said = tuple(dict.fromkeys(_of_visit(each) for each in refused.refusals))
            codes = overridable(desk, refused.refusals)
            trouble = Refusals(title=_("Nothing was booked"), sentences=said, overridable=codes, slot="all")
        except (Malformed, Forbidden) as wrong:
            desk.note_denial(wrong)
            trouble = Refusals(title=_("Nothing was booked"), sentences=(wrong.say(_),))
    return _preview(desk, patient, form, plan, chosen, trouble, edited)


def _of_visit(refusal: Any) -> str:
    said = refusal.say(_)
    if "ordinal" in refusal.facts:
        return _("Visit %(number)s: %(sentence)s") % {"number": refusal.facts["ordinal"], "sentence": said}
    return str(said)


def _placements(desk: Desk, values: list[str]) -> dict[int, Placement]:
    """`ordinal@chair@start`, as the preview's hidden fields carry them; what is no such thing is left out."""
    found = {}
    for value in values:
        parts = value.split("@")
        moment = read_moment(parts[2]) if len(parts) == 3 else None
        if moment is not None and parts[0].isdigit() and parts[1].isdigit():
            found[int(parts[0])] = Placement(ordinal=int(parts[0]), chair_id=int(parts[1]), start=moment)
    return found


def _in_center(desk: Desk, found: dict[int, Placement]) -> dict[int, Placement]:
    """Another center's chair is no place here, not even by its name."""
    known = Chair.objects.filter(pk__in={one.chair_id for one in found.values()}, unit__center=desk.center)
    own = set(known.values_list("pk", flat=True))
    return {ordinal: one for ordinal, one in found.items() if one.chair_id in own}


def _form(desk: Desk, patient: Patient, form: Form, wrong: dict[str, str], *, status: int = 200) -> HttpResponse:
    context = {
        "title": _("Start a course"),
        "place": "patients",
        "patient": patient,
        "subtitle": _("%(born)s, MRN %(mrn)s")
        % {"born": words.born(patient.birth_date, desk.today), "mrn": people.mrn_of(patient)},
        "form": form.values,
        "weekdays": [(number, label, str(number) in form.weekdays) for number, label in Weekday.choices],
        "wrong": wrong,
        "protocols": [each for each in offered(desk) if each.cadence_kind != "once"]
        + [each for each in offered(desk) if each.cadence_kind == "once"],
        "chairs": Chair.objects.filter(unit__center=desk.center, is_active=True).select_related("unit"),
        "today": desk.today.isoformat(),
    }
    return page(desk, "scheduler/course_form.html", context, status=status)


def _preview(
    desk: Desk,
    patient: Patient,
    form: Form,
    plan: CoursePlan,
    chosen: dict[int, Placement],
    trouble: Refusals | None,
    edited: editing.Edit | None,
) -> HttpResponse:
    post = desk.request.POST
    chairs = {chair.pk: chair for chair in Chair.objects.filter(pk__in=[each.chair_id for each in chosen.values()])}
    context = preview_view.view(desk, plan, chosen, chairs) | {
        "title": _("Start a course"),
        "place": "patients",
        "patient": patient,
        "form": form,
        "chosen": [f"{each.ordinal}@{each.chair_id}@{_iso(desk, each.start)}" for each in chosen.values()],
        "trouble": trouble,
        "edited": edited,
        # Whose place was just chosen: the focus goes back there.
        "touched": "" if edited else (post.get("choose") or post.get("check") or "").partition("@")[0],
        "all_chairs": Chair.objects.filter(unit=plan.course.unit, is_active=True) if edited else (),
    }
    return page(desk, "scheduler/course_preview.html", context, status=409 if trouble else 200)


def _iso(desk: Desk, moment: datetime) -> str:
    return moment.astimezone(desk.center.zone).isoformat(timespec="minutes")
