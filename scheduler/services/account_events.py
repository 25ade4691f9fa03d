"""What happens to accounts goes to the record: signing in and out, denials, lock-outs, second factors, passwords."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from scheduler.domain.permissions import Actor
from scheduler.models import Membership
from scheduler.services import record


def note(
    *,
    user: User,
    verb: str,
    now: datetime,
    actor: Actor | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """One event for each center she works at, so that each center's record tells it; one without a center for
    somebody who works nowhere. `actor` is who did it, where that wasn't she herself."""
    if actor is not None:
        actors = [actor]
    else:
        actors = [
            Actor(who=f"user:{user.pk}", role=role, center_id=center)
            for center, role in Membership.objects.filter(user=user).values_list("center_id", "role")
        ] or [Actor(who=f"user:{user.pk}", role="", center_id=None)]
    for each in actors:
        record.event(actor=each, verb=verb, subject=user, before=before, after=after, now=now)


def note_stranger(*, verb: str, now: datetime, after: Mapping[str, Any] | None = None) -> None:
    """A try under a name that nobody has. The name isn't kept: people type passwords into that field."""
    nobody = get_user_model()(pk=0)
    record.event(actor=Actor(who="user:0", role="", center_id=None), verb=verb, subject=nobody, after=after, now=now)
