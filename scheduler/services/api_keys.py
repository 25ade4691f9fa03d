"""Keys of integrators: shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Model, Q

from scheduler.domain import permissions
from scheduler.domain.errors import Malformed, NotFound, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import ApiKey, Center, Membership
from scheduler.queries import raw
from scheduler.services import record

MARK = "ick_"  # so that people, and scanners of repositories, recognise a key
PREFIX_SIGNS = len(MARK) + 8
RANDOM_BYTES = 32  # 256 bits: no salt or slow hash is needed against guessing
USE_NOTED_EVERY = timedelta(minutes=1)  # a write at every call would make readers wait for each other


@transaction.atomic
def issue(
    *, actor: Actor, name: str, center_code: str, role: str, scopes: Iterable[str] | None = None, now: datetime
) -> str:
    """Make a key for one center and role; returns it, for the only time. `scopes` narrow what the role may; None is
    all that it allows. Raises NotFound for an unknown center, Malformed for an empty name, an unknown role or
    scope, or a scope that the role does not have."""
    if not name.strip():
        raise Malformed("name", gettext_noop("A key needs a name."))
    if role not in permissions.ROLES:
        raise Malformed(
            "role", gettext_noop("There is no such role. Roles: {roles}."), roles=", ".join(permissions.ROLES)
        )
    most = permissions.scopes_of(role)
    wanted = sorted(most if scopes is None else set(scopes))
    if not wanted or not set(wanted) <= most:
        raise Malformed("scope", gettext_noop("This role has these scopes: {scopes}."), scopes=", ".join(sorted(most)))
    try:
        center = Center.objects.get(code=center_code)
    except Center.DoesNotExist as missing:
        raise NotFound from missing
    key = MARK + secrets.token_urlsafe(RANDOM_BYTES)
    row = ApiKey.objects.create(
        name=name.strip()[:80], prefix=key[:PREFIX_SIGNS], key_hash=hash_of(key), scopes=wanted, created_at=now
    )
    Membership.objects.create(center=center, api_key=row, role=role)
    record.event(
        actor=actor,
        verb="issue-key",
        subject=row,
        now=now,
        after={"center": center.pk, "role": role, "scopes": wanted},
    )
    return key


@transaction.atomic
def revoke(*, actor: Actor, prefix: str, now: datetime) -> ApiKey:
    """End a key at once: the next call with it is refused. `prefix` is the beginning that people recognise it by.
    Safe to repeat. Raises NotFound."""
    row = ApiKey.objects.select_for_update().filter(prefix=prefix).first()
    if row is None:
        raise NotFound
    if row.revoked_at is None:
        row.revoked_at = now
        row.save(update_fields=["revoked_at"])
        record.event(actor=actor, verb="revoke-key", subject=row, now=now)
    return row


def verify(*, key: str, now: datetime) -> Membership | None:
    """The membership that this key gives, with its center; None for a key that is unknown or revoked.

    Its use is noted at most once a minute, in a write of its own, before the call's transaction begins: bookings by
    the same key never wait for each other here.
    """
    found = raw.rows(_HELD, {"hash": hash_of(key)}, prepared=True)
    if not found:
        return None
    values = found[0]
    held: dict[type[Model], Model] = {}
    for model in _MODELS:
        row = raw.instance(model, values)
        assert row is not None  # inner joins
        held[model] = row
        values = values[raw.width(model) :]
    membership, center, known = held[Membership], held[Center], held[ApiKey]
    assert isinstance(membership, Membership)
    assert isinstance(center, Center)
    assert isinstance(known, ApiKey)
    membership.center, membership.api_key = center, known
    if known.last_used_at is None or known.last_used_at < now - USE_NOTED_EVERY:
        unnoted = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
        ApiKey.objects.filter(unnoted, pk=known.pk).update(last_used_at=now)
    return membership


# Every call of the API begins with it: written out, it takes a quarter of what the ORM takes to build it anew.
_MODELS: tuple[type[Model], ...] = (Membership, Center, ApiKey)
_HELD = f"""
    SELECT {raw.columns(Membership, "m")}, {raw.columns(Center, "c")}, {raw.columns(ApiKey, "k")}
    FROM scheduler_apikey k
    JOIN scheduler_membership m ON m.api_key_id = k.id
    JOIN scheduler_center c ON c.id = m.center_id
    WHERE k.key_hash = %(hash)s AND k.revoked_at IS NULL
    ORDER BY m.id LIMIT 1"""


def hash_of(key: str) -> str:
    """What is stored and compared: SHA-256, in hex."""
    return hashlib.sha256(key.encode()).hexdigest()
