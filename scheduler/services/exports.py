"""Exports of patient data: each is on record with its size, and a key's are capped."""

from __future__ import annotations

from collections.abc import Sized
from datetime import datetime, timedelta

from django.db import transaction

from scheduler.domain.errors import Forbidden, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import ApiKey, Center, Event
from scheduler.services import record

VERB = "export-patients"
KEY_ROWS_A_DAY = 5_000  # our own figure: a stolen key empties no large center in a night
DAY = timedelta(days=1)


def note(*, actor: Actor, center: Center, patients: Sized, form: str, now: datetime) -> None:
    """To be called before they are handed out. `form` is what it is handed out as, such as `csv`. Raises Forbidden for
    a key that has had KEY_ROWS_A_DAY within the last 24 hours, with these counted; then nothing is on record."""
    with transaction.atomic():
        if actor.is_key:
            # Two calls of one key take turns, or both would find room for their own.
            ApiKey.objects.select_for_update().get(pk=int(actor.who.removeprefix("key:")))
            had = Event.objects.filter(center_id=center.pk, actor=actor.who, verb=VERB, at__gt=now - DAY)
            if sum(int(one.after["patients"]) for one in had) + len(patients) > KEY_ROWS_A_DAY:
                raise Forbidden(
                    gettext_noop("A key may export {most} patients within 24 hours. Try again tomorrow."),
                    most=KEY_ROWS_A_DAY,
                )
        record.event(actor=actor, verb=VERB, subject=center, after={"patients": len(patients), "form": form}, now=now)
