"""Managers add people to their center, change their roles, end their access and reset what they lost; and issue and
revoke the keys of integrators. Nobody changes what she may herself, and a center always keeps a manager.

Functions are keyword-only and take `now`. They raise Forbidden for who may not, NotFound for another center's,
Malformed with the field, Refused where a rule of this page speaks against it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from scheduler.domain import permissions
from scheduler.domain.errors import Forbidden, Malformed, NotFound, Refusal, Refused, gettext_noop
from scheduler.domain.permissions import INTEGRATION, MANAGER, PEOPLES_ROLES, Actor
from scheduler.models import AccountMail, ApiKey, Center, Membership
from scheduler.queries import staff
from scheduler.services import account_mail, api_keys, record, second_factor


def add(
    *,
    actor: Actor,
    center: Center,
    username: str,
    first_name: str,
    last_name: str,
    email: str,
    role: str,
    now: datetime,
) -> Membership:
    """A new account at this center. She gets a mail with a link under which she chooses her password; until then
    nobody knows the one that is set."""
    _check_manages(actor, center)
    username, email = username.strip(), email.strip()
    _check_role(role)
    _check_name(username)
    if not (first_name.strip() or last_name.strip()):
        raise Malformed("last_name", gettext_noop("Colleagues need a name to know her by."))
    try:
        validate_email(email)
    except ValidationError as wrong:
        raise Malformed(
            "email", gettext_noop("The invitation goes to an e-mail address, such as ana@example.org.")
        ) from wrong
    try:
        with transaction.atomic():
            user = get_user_model().objects.create_user(
                username=username,
                email=email,
                password=secrets.token_urlsafe(32),
                first_name=first_name.strip()[:150],
                last_name=last_name.strip()[:150],
            )
            membership = Membership.objects.create(center=center, user=user, role=role)
            record.event(actor=actor, verb="add-user", subject=user, now=now, after={"role": role})
            account_mail.tell(user=user, kind=AccountMail.Kind.RESET, now=now)
    except IntegrityError as taken:
        raise Malformed("username", gettext_noop("Somebody else has this user name.")) from taken
    return membership


def change_role(*, actor: Actor, membership: Membership, role: str, now: datetime) -> Membership:
    """Counts with her next request: sessions under the old role end."""
    _check_role(role)

    with transaction.atomic():
        row, user = _locked(actor, membership)
        if row.role != role:
            _check_manager_stays(row, user)
            before, row.role = row.role, role
            row.save(update_fields=["role"])
            record.event(
                actor=actor, verb="change-role", subject=user, now=now, before={"role": before}, after={"role": role}
            )
    return row


def end_access(*, actor: Actor, membership: Membership, now: datetime) -> None:
    """She is out with her next request. An account that is this center's alone is disabled, and can be opened again;
    of somebody who works elsewhere too only the role here goes."""
    with transaction.atomic():
        row, user = _locked(actor, membership)
        _check_manager_stays(row, user)
        if Membership.objects.filter(user=user).exclude(pk=row.pk).exists():
            record.event(actor=actor, verb="remove-user", subject=user, now=now, before={"role": row.role})
            row.delete()
        elif user.is_active:
            user.is_active = False
            user.save(update_fields=["is_active"])
            record.event(actor=actor, verb="disable-user", subject=user, now=now)


def give_access(*, actor: Actor, membership: Membership, now: datetime) -> None:
    """Open a disabled account again; with the role it had."""
    with transaction.atomic():
        _row, user = _locked(actor, membership)
        if not user.is_active:
            user.is_active = True
            user.save(update_fields=["is_active"])
            record.event(actor=actor, verb="enable-user", subject=user, now=now)


def reset_second_factor(*, actor: Actor, membership: Membership, now: datetime) -> None:
    """For somebody who lost both app and codes. She is told by mail."""
    with transaction.atomic():
        _row, user = _locked(actor, membership)
        second_factor.remove(user=user, actor=actor, now=now)


def send_link(*, actor: Actor, membership: Membership, now: datetime) -> None:
    """Another link under which she chooses a password: the invitation was lost, or came too late."""
    with transaction.atomic():
        _row, user = _locked(actor, membership)
        if not (user.is_active and user.email):
            raise Malformed("email", gettext_noop("There is no address for a link, or no access."))
        record.event(actor=actor, verb="send-link", subject=user, now=now)
        account_mail.tell(user=user, kind=AccountMail.Kind.RESET, now=now)


def issue_key(*, actor: Actor, center: Center, name: str, scopes: Iterable[str], now: datetime) -> str:
    """The key of an integrator, for the only time. Keys with a role of the staff need the operator's command line."""
    _check_manages(actor, center)
    return api_keys.issue(actor=actor, name=name, center_code=center.code, role=INTEGRATION, scopes=scopes, now=now)


def revoke_key(*, actor: Actor, center: Center, pk: int, now: datetime) -> ApiKey:
    """Ends it at once. Safe to repeat."""
    _check_manages(actor, center)
    row = ApiKey.objects.filter(pk=pk, memberships__center=center).first()
    if row is None:
        raise NotFound
    return api_keys.revoke(actor=actor, prefix=row.prefix, now=now)


def _check_manages(actor: Actor, center: Center) -> None:
    if not actor.may("manage-people"):
        raise Forbidden(gettext_noop("This role does not do that."))
    if actor.center_id != center.pk:
        raise NotFound


def _locked(actor: Actor, membership: Membership) -> tuple[Membership, User]:
    """The row inside the transaction. The center is the lock: of two managers who demote each other one is first.
    Raises Forbidden for one's own, and for who runs the service: that isn't a center's to decide."""
    _check_manages(actor, Center.objects.select_for_update().get(pk=membership.center_id))
    row = Membership.objects.filter(pk=membership.pk, user__isnull=False).select_related("user", "center").first()
    if row is None or row.user is None:
        raise NotFound
    if actor.who == f"user:{row.user_id}":
        raise Forbidden(gettext_noop("Nobody changes her own access. Another manager can."))
    if row.user.is_superuser:
        raise Forbidden(gettext_noop("This account runs the service; its operator looks after it."))
    return row, row.user


def _check_manager_stays(row: Membership, user: User) -> None:
    if row.role == MANAGER and user.is_active and not staff.other_managers(center=row.center, but=user):
        raise Refused(
            [Refusal("a_manager_stays", gettext_noop("This is the only manager. Make somebody else one first."))]
        )


def _check_role(role: str) -> None:
    if role not in PEOPLES_ROLES:
        raise Malformed(
            "role", gettext_noop("There is no such role. Roles: {roles}."), roles=", ".join(permissions.PEOPLES_ROLES)
        )


def _check_name(username: str) -> None:
    try:
        UnicodeUsernameValidator()(username)
    except ValidationError as wrong:
        raise Malformed("username", gettext_noop("Letters, digits and @ . + - _ make a user name.")) from wrong
    if len(username) > 150:
        raise Malformed("username", gettext_noop("A user name has at most 150 signs."))
