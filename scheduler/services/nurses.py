"""Managers add and rename nurses, and say who no longer works here. Their shifts are in staffing.py."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from scheduler.domain.errors import Malformed, NotFound, Refusal, Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Center, Nurse, Shift
from scheduler.services import record
from scheduler.services.fingerprints import check_unchanged, fingerprint
from scheduler.services.setup import check_may


def add_nurse(*, actor: Actor, center: Center, name: str, now: datetime) -> Nurse:
    """Raises Forbidden and Malformed."""
    check_may(actor)
    with transaction.atomic():
        row = Nurse.objects.create(center=center, name=_name(name))
        record.event(actor=actor, verb="add-nurse", subject=row, now=now)
    return row


def change_nurse(
    *, actor: Actor, nurse: Nurse, changes: Mapping[str, Any], as_read: str | None = None, now: datetime
) -> Nurse:
    """`name` and `is_active`. Raises Forbidden, Malformed, Stale, and Refused while she has shifts to come."""
    check_may(actor)
    for name in sorted(set(changes) - {"name", "is_active"}):
        raise Malformed(name, gettext_noop("This can’t be changed here."))
    with transaction.atomic():
        # The shifts' services lock her row too (staffing.py), so none is added between the look and the change.
        row = Nurse.objects.select_for_update(no_key=True).get(pk=nurse.pk)
        check_unchanged(as_read, fingerprint(row))
        before = {"is_active": row.is_active}
        row.name = _name(changes.get("name", row.name))
        row.is_active = changes.get("is_active", row.is_active)
        row.save()
        ahead = Shift.objects.filter(nurse=row, ends_at__gt=now).count() if not row.is_active else 0
        if ahead:
            raise Refused(
                [
                    Refusal(
                        "nurse_has_no_shifts",
                        gettext_noop("{nurse} has {count} shifts to come. Remove or give them to others first."),
                        {"nurse": row.name, "count": ahead},
                    )
                ]
            )
        record.event(
            actor=actor, verb="change-nurse", subject=row, now=now, before=before, after={"is_active": row.is_active}
        )
    return row


def tie(*, actor: Actor, center: Center, user: User, nurse: Nurse | None, now: datetime) -> None:
    """Who signs in as `user` is this nurse of the roster, or (None) no longer any: her floor can then show her own
    patients. Safe to repeat. Raises Forbidden, NotFound for another center's nurse, and Refused where somebody else is
    that nurse or she is one at another center already."""
    check_may(actor)
    if nurse is not None and nurse.center_id != center.pk:
        raise NotFound
    with transaction.atomic():
        # All of hers and the wanted one, locked in one order: a user is one nurse at most, and a nurse one user.
        wanted = Q(user=user) | Q(pk=nurse.pk if nurse is not None else None)
        rows = list(Nurse.objects.select_for_update(no_key=True).filter(wanted).order_by("pk"))
        row = next((each for each in rows if nurse is not None and each.pk == nurse.pk), None)
        if row is not None and row.user_id not in (None, user.pk):
            raise Refused([Refusal("nurse_is_one_person", gettext_noop("Somebody else is this nurse already."))])
        if row is not None and row.user_id == user.pk:
            return
        if any(each.center_id != center.pk for each in rows):
            raise Refused([Refusal("nurse_is_one_person", gettext_noop("She is a nurse of another center's roster."))])
        for each in sorted(rows, key=lambda each: each is row):
            _tie(actor, each, user.pk if each is row else None, now)


def _tie(actor: Actor, row: Nurse, user: int | None, now: datetime) -> None:
    before = row.user_id
    if before != user:
        # The old tie goes before the new one comes: both can't stand at once.
        row.user_id = user
        row.save(update_fields=["user"])
        record.event(actor=actor, verb="tie-nurse", subject=row, now=now, before={"user": before}, after={"user": user})


def _name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 80:
        raise Malformed("name", gettext_noop("A name has 1 to 80 signs."))
    return name
