"""Who works at a center and which keys it gave out, for the managers' page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Max, Q
from django_otp.plugins.otp_totp.models import TOTPDevice

from scheduler.domain.permissions import PEOPLES_ROLES
from scheduler.models import ApiKey, Center, Membership, Nurse, SignIn


@dataclass(frozen=True, slots=True)
class Person:
    """`last_seen` at any center (UTC); `works_elsewhere`: her account is not this center's alone."""

    membership: Membership
    last_seen: datetime | None
    has_factor: bool
    works_elsewhere: bool

    @property
    def user(self) -> User:
        user = self.membership.user
        assert user is not None  # people() asks for users only
        return user


def people(*, center: Center) -> list[Person]:
    """By role, then name; in four queries."""
    rows = list(Membership.objects.filter(center=center, user__isnull=False).select_related("user"))
    users = [row.user_id for row in rows if row.user_id is not None]
    seen = dict(
        SignIn.objects.filter(user__in=users).order_by().values("user").annotate(at=Max("last_seen_at"))
        .values_list("user", "at")
    )  # fmt: skip
    factors = set(TOTPDevice.objects.filter(user__in=users, confirmed=True).values_list("user_id", flat=True))
    elsewhere = set(Membership.objects.filter(user__in=users).exclude(center=center).values_list("user_id", flat=True))
    found = [
        Person(
            membership=row,
            last_seen=seen.get(row.user_id or 0),
            has_factor=row.user_id in factors,
            works_elsewhere=row.user_id in elsewhere,
        )
        for row in rows
    ]
    return sorted(found, key=_order)


def person(*, center: Center, pk: int) -> Person | None:
    """By the id of her membership; None for another center's."""
    return next((each for each in people(center=center) if each.membership.pk == pk), None)


def keys(*, center: Center) -> list[ApiKey]:
    """Those in force first, then the revoked ones; each with its membership here."""
    rows = ApiKey.objects.filter(memberships__center=center).prefetch_related("memberships").distinct()
    return sorted(rows, key=lambda row: (row.revoked_at is not None, row.name.casefold(), row.pk))


def other_managers(*, center: Center, but: User) -> int:
    """How many people besides her can manage this center now."""
    return Membership.objects.filter(center=center, role="manager", user__is_active=True).filter(~Q(user=but)).count()


def free_nurses(*, center: Center, user: User) -> list[Nurse]:
    """Of the roster, whom she is or could be: nobody else is."""
    return list(Nurse.objects.filter(Q(user=user) | Q(user=None, is_active=True), center=center))


def _order(each: Person) -> tuple[bool, int, str]:
    name = each.user.get_full_name() or each.user.get_username()
    return (not each.user.is_active, PEOPLES_ROLES.index(each.membership.role), name.casefold())
