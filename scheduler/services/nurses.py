"""Managers add and rename nurses, and say who no longer works here. Their shifts are in staffing.py."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from scheduler.domain.errors import Malformed, Refusal, Refused, gettext_noop
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


def _name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 80:
        raise Malformed("name", gettext_noop("A name has 1 to 80 signs."))
    return name
