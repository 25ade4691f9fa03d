"""What happens to one's own account: signing in and being refused, passwords."""

from __future__ import annotations

from datetime import datetime

from axes.models import AccessAttempt
from axes.utils import reset as lift_lock
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.db.models import Sum
from django.utils.http import urlsafe_base64_decode

from scheduler.models import AccountMail, SignIn
from scheduler.services import account_events, account_mail, sessions

Why = SignIn.Why


def note_refused(*, username: str, was_locked: bool, locks: bool, now: datetime) -> None:
    """A wrong name or password. `was_locked`: nobody looked whether it was right. `locks`: it was one too many."""
    user = get_user_model().objects.filter(username=username).first() if "\0" not in username else None
    verb = "locked-out" if locks else "sign-in-refused"
    after = {"locked": True} if was_locked else {}
    if user is None:
        account_events.note_stranger(verb=verb, after=after, now=now)
    else:
        account_events.note(user=user, verb=verb, after=after, now=now)


def tries(*, username: str, address: str | None, now: datetime) -> tuple[int, datetime | None]:
    """How many tries are left for this name from this address, and until when (UTC) there are none."""
    rows = AccessAttempt.objects.filter(
        username=username, ip_address=address, attempt_time__gte=now - settings.AXES_COOLOFF_TIME
    )
    left = settings.AXES_FAILURE_LIMIT - (rows.aggregate(all=Sum("failures_since_start"))["all"] or 0)
    if left > 0:
        return left, None
    return 0, max(rows.values_list("attempt_time", flat=True)) + settings.AXES_COOLOFF_TIME


def change_password(*, user: User, password: str, keep: SignIn | None, now: datetime) -> None:
    """A new password; every session but `keep` ends, and she is told by mail. Raises ValidationError for a password
    that is refused (services/passwords.py)."""
    validate_password(password, user)
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        sessions.end_others(user=user, but=keep, why=Why.PASSWORD, now=now)
        account_events.note(user=user, verb="password-changed", now=now)
        account_mail.tell(user=user, kind=AccountMail.Kind.CHANGED, now=now)


def reset_password(*, user: User, password: str, address: str | None, now: datetime) -> None:
    """By a link from her mail: as change_password, and all sessions end. A lock of this name at this address is
    lifted, since she reads the user's mail; locks elsewhere stay, and so does the second factor."""
    with transaction.atomic():
        change_password(user=user, password=password, keep=None, now=now)
        lift_lock(ip=address, username=user.get_username())


def user_of_link(*, who: str, token: str) -> User | None:
    """Whose link this is, while it is good: once, and for an hour."""
    try:
        pk = int(urlsafe_base64_decode(who).decode("ascii"))
    except (ValueError, OverflowError):
        return None
    user = get_user_model().objects.filter(pk=pk, is_active=True).first() if 0 < pk < 2**63 else None
    return user if user is not None and default_token_generator.check_token(user, token) else None
