"""Mail about accounts: a link to choose a new password, and word of what was changed. Nothing about the work.

The table is the queue (models/accounts.py): a request writes a row and is done, the job that sends reminders sends
these too. Who it is for is looked up here and not in the request, so that asking tells nobody who exists.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from scheduler.models import AccountMail, Event
from scheduler.services import account_events, breaker, failures, smtp_faults
from scheduler.services.smtp_faults import Fault

Kind, State = AccountMail.Kind, AccountMail.State

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)  # longer than any one sending takes; after it a claim is taken for a crash
KEPT = timedelta(days=1)
MAILS_A_TICK = 20
# A link that waited longer than it would be good for helps nobody.
TOO_LATE = timedelta(hours=1)
# Beyond these nothing is sent and nobody is told so: a mailbox is not to be flooded, nor the table.
LINKS_AN_HOUR = 3
ASKED_AN_HOUR = 30


def ask_reset(*, typed: str, address: str | None, now: datetime) -> None:
    """Note that somebody asked for a link. The same work whoever she is and whether she exists."""
    recently = AccountMail.objects.filter(kind=Kind.RESET, address=address, created_at__gt=now - timedelta(hours=1))
    typed = " ".join(typed.replace("\0", "").split())[:254]
    if typed and recently.count() < ASKED_AN_HOUR:
        AccountMail.objects.create(kind=Kind.RESET, asked=typed, address=address, created_at=now, due=now)


def tell(*, user: User, kind: str, now: datetime) -> None:
    """Queue word of a change to her account, in the change's own transaction."""
    if user.email:
        AccountMail.objects.create(kind=kind, user=user, created_at=now, due=now)


def send_due(*, now: datetime) -> dict[str, int]:
    """Send what is due, at most 20. Returns how many ended how. Safe twice at once and after a crash; never inside a
    transaction."""
    counts: Counter[str] = Counter()
    AccountMail.objects.filter(created_at__lt=now - KEPT).delete()
    waiting = list(_claimable(now).values_list("pk", flat=True)[:MAILS_A_TICK])
    if not waiting:
        return {}
    if not breaker.lets_try("email", now=now):
        return {}
    connection = get_connection()
    line = breaker.Line("email")
    try:
        for pk in waiting:
            # The update decides: of two workers one changes a row.
            if line.is_down:
                break
            if not _claimable(now).filter(pk=pk).order_by().update(state=State.CLAIMED, claimed_at=now):
                continue
            row = AccountMail.objects.select_related("user").get(pk=pk)
            counts[f"account mail {_send(row, connection, line, now)}"] += 1
    finally:
        _close(connection)
    return dict(counts)


def users_for(typed: str) -> list[User]:
    """Whom a name or an address stands for: people who can sign in and can be written to. Addresses may be shared."""
    found = (
        get_user_model().objects.filter(Q(username=typed) | Q(email__iexact=typed), is_active=True).exclude(email="")
    )
    return [user for user in found.order_by("pk")[:5] if user.has_usable_password()]


def link(user: User) -> str:
    """Good once and for an hour: the token is bound to the password, the last sign-in and the time."""
    names = {"who": urlsafe_base64_encode(force_bytes(user.pk)), "token": default_token_generator.make_token(user)}
    return f"{settings.BASE_URL}{reverse('reset', kwargs=names)}"


def _claimable(now: datetime) -> QuerySet[AccountMail]:
    return AccountMail.objects.filter(
        Q(state=State.DUE) | Q(state=State.CLAIMED, claimed_at__lt=now - LEASE), due__lte=now
    ).order_by("due", "pk")


def _send(row: AccountMail, connection: BaseEmailBackend, line: breaker.Line, now: datetime) -> str:
    """How it ended."""
    users = [row.user] if row.user is not None else users_for(row.asked)
    if row.kind == Kind.RESET:
        users = [user for user in users if _links_lately(user, now) < LINKS_AN_HOUR]
    if not users or now - row.created_at > TOO_LATE:
        return _finish(row, State.DROPPED, now)
    try:
        for user in users:
            message = compose(row.kind, user)
            message.connection = connection
            connection.open()
            message.send()
            if row.kind == Kind.RESET:
                account_events.note(user=user, verb="reset-link-sent", now=now)
    except Exception as problem:  # noqa: BLE001 - whatever went wrong with this one, the next gets hers
        _close(connection)
        return _failed(row, problem, line, now)
    line.answered()
    return _finish(row, State.SENT, now)


def _links_lately(user: User, now: datetime) -> int:
    return Event.objects.filter(
        subject="user", subject_id=user.pk, verb="reset-link-sent", at__gt=now - timedelta(hours=1)
    ).count()


def compose(kind: str, user: User) -> EmailMessage:
    """Only what stands here gets into such a mail: her first name, the service's address, the link."""
    context: Mapping[str, Any] = {
        "kind": kind,
        "first_name": user.first_name,
        "link": link(user) if kind == Kind.RESET else "",
        "ask": f"{settings.BASE_URL}{reverse('forgot')}",
        "site": settings.BASE_URL,
        "new_name": user.get_username() if kind == Kind.RESET and user.last_login is None else "",
    }
    subjects = {
        Kind.RESET: _("Choose a new password"),
        Kind.CHANGED: _("Your password was changed"),
        Kind.FACTOR: _("How you sign in was changed"),
    }
    return EmailMessage(
        subject=_("Your new account") if context["new_name"] else subjects[Kind(kind)],
        body=render_to_string("scheduler/mail/account.txt", context).strip() + "\n",
        from_email=parseaddr(settings.DEFAULT_FROM_EMAIL)[1],
        to=[user.email],
        headers={"Auto-Submitted": "auto-generated"},
    )


def _failed(row: AccountMail, problem: Exception, line: breaker.Line, now: datetime) -> str:
    """Log ids and classes only: an SMTP answer may quote the address."""
    fault = smtp_faults.classify(problem)
    log.warning("account mail %s: %s (%s)", row.pk, smtp_faults.describe(problem), failures.describe(problem))
    if fault is Fault.SERVER_LATER:
        line.faulted(smtp_faults.describe(problem), at=now)
    elif smtp_faults.is_an_answer(problem):
        line.answered()
    if fault is Fault.NEVER:
        return _finish(row, State.FAILED, now)
    wait = timedelta(seconds=30 * 2 ** min(row.attempts, 5))
    AccountMail.objects.filter(pk=row.pk, state=State.CLAIMED).update(
        state=State.DUE, due=now + wait, claimed_at=None, attempts=row.attempts + 1
    )
    return "later"


def _finish(row: AccountMail, state: str, now: datetime) -> str:
    AccountMail.objects.filter(pk=row.pk, state=State.CLAIMED).update(state=state, done_at=now, asked="")
    return str(state)


def _close(connection: BaseEmailBackend) -> None:
    """A connection that broke can't say goodbye."""
    try:
        connection.close()
    except OSError as problem:
        log.info("closing the mail connection: %s", type(problem).__name__)
