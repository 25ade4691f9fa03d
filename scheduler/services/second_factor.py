"""The second factor: a code from an app (TOTP, RFC 6238), or a recovery code where the app isn't at hand.

A code counts once, in a window of one step (30 s) before and after. Failures slow the next try down: 1, 2, 4 ... up to
256 seconds, which is what keeps a six-digit code from being guessed by somebody who has the password.
"""

from __future__ import annotations

import re
import secrets
from base64 import b32encode
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.db import transaction
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from scheduler.domain import permissions
from scheduler.domain.errors import Forbidden, Malformed, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import AccountMail, Center, Membership, RecoveryCode
from scheduler.services import account_events, account_mail, record

CODES = 10
# 12 letters of 31: 59 random bits. Without i, l, o, 0 and 1, which are misread.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
CODE_LENGTH = 12
_MOST_FAILURES = 9  # 2^8 s between two tries at most; without a bound a stranger could shut her out for days
# The codes are random, so the hash needs no million rounds; all ten are hashed in one request.
_ROUNDS = 60_000
_ISSUER = "Infusion scheduling"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wait`: too early after a failure, seconds until the next try. `codes_left` after a recovery code was used."""

    ok: bool
    wait: int = 0
    codes_left: int | None = None


def new_key() -> str:
    """A secret for an app: 20 random bytes, hexadecimal."""
    return secrets.token_hex(20)


def typed_key(key: str) -> str:
    """The secret as one types it into an app: base 32 in groups of four."""
    text = b32encode(bytes.fromhex(key)).decode()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def address(*, user: User, key: str) -> str:
    """The `otpauth:` address that a QR code carries. Nothing clinical: the name of the service and hers."""
    label = quote(f"{_ISSUER}:{user.get_username()}")
    secret = b32encode(bytes.fromhex(key)).decode()
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': _ISSUER}, quote_via=quote)}"


def has(user: User) -> bool:
    return TOTPDevice.objects.filter(user=user, confirmed=True).exists()


def is_required(user: User) -> bool:
    """Whether a center where she works asks her role for it."""
    return any(
        role in roles
        for role, roles in Membership.objects.filter(user=user).values_list("role", "center__second_factor_roles")
    )


def codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def set_up(*, user: User, key: str, code: str, now: datetime) -> list[str] | None:
    """Take the app that shows `code` for `key` as her second factor, instead of any before it. Returns the new
    recovery codes, to be shown once, or None where the code doesn't match. That code can't be used again."""
    digits = _digits(code)
    if digits is None:
        return None
    totp = TOTP(bytes.fromhex(key))
    totp.time = now.timestamp()
    if not totp.verify(int(digits), tolerance=1):
        return None
    with transaction.atomic():
        _lock(user)
        TOTPDevice.objects.filter(user=user).delete()
        TOTPDevice.objects.create(user=user, name="app", key=key, drift=totp.drift, last_t=totp.t())
        codes = _make_codes(user, now)
        account_events.note(user=user, verb="second-factor-on", now=now)
        account_mail.tell(user=user, kind=AccountMail.Kind.FACTOR, now=now)
    return codes


def verify(*, user: User, code: str, now: datetime) -> Verdict:
    """Check a code of the app, or a recovery code; both slow down together after failures. Each counts once."""
    with transaction.atomic():
        # The lock is what makes "once" true for two requests at the same moment.
        device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True).first()
        if device is None:
            return Verdict(ok=False)
        allowed, why = device.verify_is_allowed()
        if not allowed:
            return Verdict(ok=False, wait=max(1, int((why["locked_until"] - now).total_seconds()) + 1))
        digits = _digits(code)
        if digits is not None:
            ok, left = device.verify_token(digits), None
        else:
            ok, left = _use_recovery_code(user, code, now)
            if ok:
                device.throttle_reset()
            else:
                device.throttle_increment()
        if not ok:
            if device.throttling_failure_count > _MOST_FAILURES:
                device.throttling_failure_count = _MOST_FAILURES
                device.save(update_fields=["throttling_failure_count"])
            account_events.note(user=user, verb="second-factor-refused", now=now)
        return Verdict(ok=ok, codes_left=left)


def new_codes(*, user: User, now: datetime) -> list[str]:
    """Ten new recovery codes, to be shown once; the old ones count no more."""
    with transaction.atomic():
        _lock(user)
        codes = _make_codes(user, now)
        account_events.note(user=user, verb="recovery-codes-made", now=now)
    return codes


def remove(*, user: User, now: datetime, actor: Actor | None = None) -> None:
    """Take the second factor away: she herself (not where her role has to have one: Forbidden), or `actor`, who may
    manage people, for somebody who lost both app and codes. She is told by mail."""
    if actor is None and is_required(user):
        raise Forbidden(gettext_noop("Your role signs in with a second factor."))
    if actor is not None and (not actor.may("manage-people") or actor.who == f"user:{user.pk}"):
        raise Forbidden(gettext_noop("This role does not do that."))
    with transaction.atomic():
        _lock(user)
        TOTPDevice.objects.filter(user=user).delete()
        RecoveryCode.objects.filter(user=user).delete()
        account_events.note(user=user, verb="second-factor-off", actor=actor, now=now)
        account_mail.tell(user=user, kind=AccountMail.Kind.FACTOR, now=now)


def require_second_factor(*, actor: Actor, center: Center, roles: Collection[str], now: datetime) -> Center:
    """Ask these roles of the center for a second factor; it counts from each one's next request. Raises Forbidden,
    and Malformed for a role that no person has."""
    if not actor.may("manage-people") or actor.center_id != center.pk:
        raise Forbidden(gettext_noop("This role does not do that."))
    known = [role for role in permissions.ROLES if role != permissions.INTEGRATION]
    if unknown := sorted(set(roles) - set(known)):
        raise Malformed("roles", gettext_noop("There is no role “{role}”."), role=unknown[0])
    with transaction.atomic():
        row = Center.objects.select_for_update().get(pk=center.pk)
        before, after = row.second_factor_roles, [role for role in known if role in roles]
        if before != after:
            row.second_factor_roles = after
            row.save(update_fields=["second_factor_roles"])
            record.event(
                actor=actor,
                verb="second-factor-required",
                subject=row,
                before={"roles": before},
                after={"roles": after},
                now=now,
            )
    return row


def _lock(user: User) -> None:
    """Two set-ups at once take turns: the later one wins whole."""
    get_user_model().objects.select_for_update().get(pk=user.pk)


def _digits(code: str) -> str | None:
    text = re.sub(r"\s", "", code)
    return text if re.fullmatch(r"[0-9]{6}", text) else None


def _make_codes(user: User, now: datetime) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    salt = secrets.token_hex(16)
    plain = ["".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)) for _ in range(CODES)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, salt=salt, digest=_hash(code, salt), made_at=now) for code in plain
    )
    return ["-".join(code[at : at + 4] for at in range(0, CODE_LENGTH, 4)) for code in plain]


def _use_recovery_code(user: User, code: str, now: datetime) -> tuple[bool, int | None]:
    text = re.sub(r"[^a-z0-9]", "", code.lower())
    salt = RecoveryCode.objects.filter(user=user).values_list("salt", flat=True).first()
    if salt is None or len(text) != CODE_LENGTH:
        return False, None
    if not RecoveryCode.objects.filter(user=user, digest=_hash(text, salt), used_at=None).update(used_at=now):
        return False, None
    left = codes_left(user)
    account_events.note(user=user, verb="recovery-code-used", after={"left": left}, now=now)
    return True, left


def _hash(code: str, salt: str) -> str:
    return PBKDF2PasswordHasher().encode(code, salt, iterations=_ROUNDS)
