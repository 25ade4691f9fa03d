"""Notes for the next shift: those that somebody has still to read, and all of them by day."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet

from scheduler.models import HandoverNote, Unit

OPEN_FOR = timedelta(hours=48)  # two nights: what is older is found on the page of notes
SHOWN_DAYS = timedelta(days=14)
MOST = 200


def open_notes(*, unit: Unit, reader: int, clinical: bool, now: datetime) -> list[HandoverNote]:
    """What others wrote for this unit in the last two days and this user has not read yet, the oldest first."""
    rows = _notes(unit, clinical).filter(at__gt=now - OPEN_FOR, at__lte=now)
    return list(rows.exclude(author=reader).exclude(reads__reader=reader).order_by("at", "pk")[:MOST])


def notes(*, unit: Unit, clinical: bool, now: datetime) -> list[HandoverNote]:
    """Of the last two weeks, the newest first, with who has read them."""
    rows = _notes(unit, clinical).filter(at__gt=now - SHOWN_DAYS)
    return list(rows.prefetch_related("reads__reader")[:MOST])


def for_paper(*, unit: Unit, clinical: bool, now: datetime) -> list[HandoverNote]:
    """What is printed with the day sheet: the last two days', the oldest first."""
    return list(_notes(unit, clinical).filter(at__gt=now - OPEN_FOR, at__lte=now).order_by("at", "pk")[:MOST])


def _notes(unit: Unit, clinical: bool) -> QuerySet[HandoverNote]:
    """Notes about patients are for who may see clinical detail."""
    rows = HandoverNote.objects.filter(unit=unit).select_related("author", "patient")
    return rows if clinical else rows.filter(patient__isnull=True)
