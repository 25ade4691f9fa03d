"""Keys of integrators: shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction

from scheduler.domain import permissions
from scheduler.domain.errors import Malformed, NotFound, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import ApiKey, Center, Membership
from scheduler.services import record

MARK = "ick_"  # so that people, and scanners of repositories, recognise a key
RANDOM_BYTES = 32  # 256 bits: no salt or slow hash is needed against guessing
USE_NOTED_EVERY = timedelta(minutes=10)  # a write at every call would make readers wait for each other


@transaction.atomic
def issue(*, actor: Actor, name: str, center_code: str, role: str, now: datetime) -> str:
    """Make a key for one center and role; returns it, for the only time. Raises NotFound for an unknown center,
    Malformed for an empty name or an unknown role."""
    if not name.strip():
        raise Malformed("name", gettext_noop("A key needs a name."))
    if role not in permissions.ROLES:
        raise Malformed(
            "role", gettext_noop("There is no such role. Roles: {roles}."), roles=", ".join(permissions.ROLES)
        )
    try:
        center = Center.objects.get(code=center_code)
    except Center.DoesNotExist as missing:
        raise NotFound from missing
    key = MARK + secrets.token_urlsafe(RANDOM_BYTES)
    row = ApiKey.objects.create(
        name=name.strip()[:80], prefix=key[: len(MARK) + 8], key_hash=hash_of(key), created_at=now
    )
    Membership.objects.create(center=center, api_key=row, role=role)
    record.event(actor=actor, verb="issue-key", subject=row, now=now, after={"center": center.pk, "role": role})
    return key


def verify(*, key: str, now: datetime) -> Membership | None:
    """The membership that this key gives, with its center; None for a key that is unknown or revoked."""
    membership = (
        Membership.objects.filter(api_key__key_hash=hash_of(key), api_key__revoked_at__isnull=True)
        .select_related("center", "api_key")
        .order_by("pk")
        .first()
    )
    row = membership.api_key if membership is not None else None
    if row is not None and (row.last_used_at is None or row.last_used_at < now - USE_NOTED_EVERY):
        ApiKey.objects.filter(pk=row.pk).update(last_used_at=now)
    return membership


def hash_of(key: str) -> str:
    """What is stored and compared: SHA-256, in hex."""
    return hashlib.sha256(key.encode()).hexdigest()
