"""The managers' page for the words of messages: what is standard, what is the center's own, and how it looks sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from scheduler.domain.errors import Malformed, Stale
from scheduler.models import Wording
from scheduler.services import sample
from scheduler.services import wording as service
from scheduler.services.wording import FIELDS, KINDS, Kind, Said
from scheduler.web.door import Desk, door, page
from scheduler.web.outbox import with_linked_styles


@door("edit-setup")
def wording(desk: Desk) -> HttpResponse:
    """Each kind of message in each language."""
    own = {
        (row.kind, row.language)
        for row in Wording.objects.filter(center=desk.center)
        if any(getattr(row, field) for field in FIELDS)
    }
    lines = [
        {
            "name": _names()[kind],
            "languages": [
                {"code": code, "name": name, "kind": str(kind), "is_own": (kind, code) in own}
                for code, name in _languages().items()
            ],
        }
        for kind in KINDS
    ]
    return page(desk, "scheduler/wording.html", {"title": _("Wording of messages"), "place": "wording", "lines": lines})


@door("edit-setup", posts=True)
def edit(desk: Desk, *, kind: str, language: str) -> HttpResponse:
    """See, preview and change one of them. Nothing is kept by looking at it."""
    row = service.row_of(desk.center, kind, language)
    if desk.request.method != "POST":
        return _show(desk, row)
    post = desk.request.POST
    texts = {field: post.get(field, "") for field in FIELDS}
    version = int(number) if (number := post.get("version", "")).isdecimal() and len(number) < 9 else 0
    common: dict[str, Any] = {
        "actor": desk.actor, "center": desk.center, "kind": kind, "language": language, "now": desk.now,
    }  # fmt: skip
    try:
        if post.get("do") == "preview":
            return _show(desk, row, texts=texts, said=service.read(desk.center, kind, language, texts), version=version)
        if post.get("do") == "standard":
            service.reset(**common, version=version)
        else:
            service.change(**common, texts=texts, version=version)
    except Malformed as wrong:
        return _show(desk, row, texts=texts, version=version, wrong={wrong.field: wrong.say(_)}, status=400)
    except Stale:
        # Hers stay in the fields, and saving again is then meant; beside them is what the other one kept.
        trouble = _("Somebody else changed this meanwhile. Theirs is shown beside yours; save again to replace it.")
        return _show(desk, row, texts=texts, trouble=trouble, status=409)
    return redirect("wording-edit", kind=kind, language=language)


def _show(
    desk: Desk,
    row: Wording,
    *,
    texts: Mapping[str, str] | None = None,
    said: Said | None = None,
    version: int | None = None,
    wrong: Mapping[str, str] | None = None,
    trouble: str = "",
    status: int = 200,
) -> HttpResponse:
    """`texts` are what stands in the fields, `said` what the preview shows: the kept words where it is None."""
    usual = service.standard(row.kind, row.language)
    kept = {field: getattr(row, field) or getattr(usual, field) for field in FIELDS}
    shown = said or Said(subject=row.subject, opening=row.opening, closing=row.closing)
    whole = Said(subject=shown.subject, opening=shown.opening, closing=shown.closing or usual.closing)
    mail = sample.written(center=desk.center, kind=row.kind, language=row.language, said=whole, now=desk.now)
    context = {
        "title": _("Wording of messages"),
        "place": "wording",
        "kind": row.kind,
        "language": row.language,
        "name": _names()[Kind(row.kind)],
        "language_name": _languages()[row.language],
        "fields": _fields(texts or kept, wrong or {}),
        "placeholders": [(f"{{{name}}}", _meanings()[name]) for name in service.placeholders(row.kind)],
        "version": row.version if version is None else version,
        "is_own": any(getattr(row, field) for field in FIELDS),
        "is_draft": said is not None,
        "trouble": trouble,
        "mail": mail,
        "html": with_linked_styles(str(mail.alternatives[0][0])),
    }
    return page(desk, "scheduler/wording_edit.html", context, status=status)


def _fields(texts: Mapping[str, str], wrong: Mapping[str, str]) -> list[dict[str, Any]]:
    labels = {
        "subject": (_("Subject"), ""),
        "opening": (_("Before the time"), _("Empty: nothing. An empty line begins a new paragraph.")),
        "closing": (_("After time and place"), _("What or whom to bring, where to park, which door.")),
    }
    return [
        {
            "name": field,
            "label": labels[field][0],
            "hint": labels[field][1],
            "text": texts[field],
            "longest": longest,
            "wrong": wrong.get(field, ""),
            "is_line": field == "subject",
        }
        for field, longest in FIELDS.items()
    ]


def _names() -> dict[Kind, str]:
    return {
        Kind.BOOKED: _("A visit is booked"),
        Kind.OVERVIEW: _("Several visits at once"),
        Kind.REMINDER: _("Reminder"),
        Kind.MOVED: _("New time"),
        Kind.CANCELLED: _("Cancelled"),
        Kind.OFFER: _("Earlier time offered"),
        Kind.OFFER_GONE: _("Earlier time is gone"),
    }


def _languages() -> dict[str, str]:
    return {"en": _("English"), "es": _("Spanish")}


def _meanings() -> dict[str, str]:
    return {
        "first_name": _("her first name"),
        "date": _("day of the visit"),
        "weekday": _("its weekday"),
        "time": _("when it begins"),
        "arrive": _("when to arrive"),
        "place": _("the center’s neutral name"),
        "address": _("its address"),
        "phone": _("its phone"),
        "until": _("when the offer ends"),
    }
