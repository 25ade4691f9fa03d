"""The record: who changed what, who read what, and for one patient who saw her. For managers and auditors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from scheduler.domain import localtime
from scheduler.models import Access, Event
from scheduler.queries import recorded, staff
from scheduler.queries.recorded import A_PAGE, Wanted
from scheduler.services import record as records
from scheduler.web import words
from scheduler.web.dates import read_date
from scheduler.web.door import Desk, door, page

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
SHORT = 60  # letters of one value; the whole is in the export


@door("read-record")
def record(desk: Desk) -> HttpResponse:
    asked = desk.request.GET
    reads = asked.get("show") == "readings"
    day = read_date(asked.get("date"))
    wanted = Wanted(
        actor=asked.get("who", ""),
        verb=asked.get("what", ""),
        patient=_number(asked.get("patient")),
        during=localtime.day(day, desk.center.zone) if day is not None else None,
        before=_number(asked.get("before")),
    )
    rows = recorded.readings(desk.center, wanted) if reads else recorded.changes(desk.center, wanted)
    shown = rows[:A_PAGE]
    people = _people(desk)
    names = recorded.names_of(desk.center, shown) if desk.may("view-patients") else {}
    records.access(actor=desk.actor, patient=wanted.patient, what="record", now=desk.now)
    context = {
        "title": _("The record"),
        "place": "record",
        "reads": reads,
        "lines": [_line(desk, row, people, names) for row in shown],
        "people": sorted(people.items(), key=lambda item: item[1]),
        "verbs": [] if reads else recorded.verbs(desk.center),
        "wanted": wanted,
        "date": day,
        "tabs": [
            {"name": _("Changes"), "url": _url(asked, show="", what="", before=""), "is_on": not reads},
            {"name": _("Readings"), "url": _url(asked, show="readings", what="", before=""), "is_on": reads},
        ],
        "patient": names.get(wanted.patient or 0) or (_patient(wanted.patient) if wanted.patient else ""),
        "everybody": _url(asked, patient="", before=""),
        "older": _url(asked, before=str(shown[-1].pk)) if len(rows) > A_PAGE else "",
    }
    return page(desk, "scheduler/record.html", context)


def _url(asked: Mapping[str, str], **other: str) -> str:
    """This page with some of what was asked for changed; "" leaves it out."""
    values = {name: asked.get(name, "") for name in ("show", "who", "what", "patient", "date", "before")} | other
    query = urlencode({name: value for name, value in values.items() if value})
    return f"{reverse('record')}?{query}" if query else reverse("record")


def _people(desk: Desk) -> dict[str, str]:
    """Who can have acted at this center, by the record's word for them."""
    people = {f"user:{each.user.pk}": words.person(each.user) for each in staff.people(center=desk.center)}
    keys = {f"key:{each.pk}": each.name for each in staff.keys(center=desk.center)}
    return people | keys


def _line(desk: Desk, row: Event | Access, people: Mapping[str, str], names: Mapping[int, str]) -> dict[str, Any]:
    line: dict[str, Any] = {
        "at": words.moment(row.at.astimezone(desk.center.zone), desk.today),
        "who": people.get(row.actor) or _job(row.actor) or row.actor,
        "role": words.role(row.role),
        "address": row.address or "",
        "patient": row.patient_id,
        "name": names.get(row.patient_id or 0) or (_patient(row.patient_id) if row.patient_id else ""),
    }
    if isinstance(row, Access):
        return line | {"verb": row.what.replace("-", " ")}
    return line | {
        "verb": row.verb.replace("-", " "),
        "subject": f"{row.subject} {row.subject_id}",
        "changes": _changes(row.before, row.after, lambda at: words.moment(at.astimezone(desk.center.zone))),
        "reason": row.reason,
    }


def _patient(pk: int) -> str:
    return _("Patient %(number)s") % {"number": pk}


def _job(actor: str) -> str:
    """job:place-visits as people read it; "" for anybody else."""
    kind, _colon, name = actor.partition(":")
    return _("Job: %(name)s") % {"name": name.replace("-", " ")} if kind == "job" else ""


def _changes(
    before: Mapping[str, Any], after: Mapping[str, Any], say: Callable[[datetime], str]
) -> list[tuple[str, str, str]]:
    """Each field that is not as it was: its name, before, after. Times are the center's."""
    return [
        (name.replace("_", " "), _short(before.get(name), say), _short(after.get(name), say))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


def _short(value: Any, say: Callable[[datetime], str]) -> str:
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return say(datetime.fromisoformat(value))
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
