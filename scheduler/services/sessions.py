"""Who is signed in: how long a session lasts, what ends it early, and the list of one's own.

A session holds the id of its SignIn. Every request looks at that row, at the user and at her roles: what ended the row
anywhere ends the session at the next request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.contrib.auth.models import User

from scheduler.domain import user_agents
from scheduler.models import Membership, SignIn
from scheduler.services import account_events

Why = SignIn.Why

IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=12)  # one long shift
WARNING = timedelta(minutes=2)
# How long a proof of who she is counts before pages that ask to sign in again.
FRESH = timedelta(minutes=10)
# "Last seen" is written at most so often. A session may end this much early, never late.
SEEN_EVERY = timedelta(seconds=30)
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a request's session is worth. `why` names what ended it; empty: it goes on. `lacks_factor`: a center asks
    her role for a second factor, and this session was begun without."""

    sign_in: SignIn
    memberships: Sequence[Membership]
    why: str = ""
    lacks_factor: bool = False


def begin(
    *, user: User, address: str | None, user_agent: str, second_factor: bool, confirmed: bool, now: datetime
) -> SignIn:
    """A new row. `confirmed`: she has just proved who she is. Rows older than 30 days go."""
    browser, system = user_agents.named(user_agent)
    SignIn.objects.filter(user=user, last_seen_at__lt=now - KEPT).delete()
    return SignIn.objects.create(
        user=user,
        since=now,
        last_seen_at=now,
        confirmed_at=now if confirmed else None,
        second_factor=second_factor,
        roles=_digest(user, memberships_of(user)),
        address=address,
        browser=browser,
        system=system,
    )


def memberships_of(user: User) -> list[Membership]:
    """With their centers, by the center's name."""
    return list(Membership.objects.filter(user=user).select_related("center").order_by("center__name"))


def look(*, user: User, sign_in: SignIn, is_background: bool, now: datetime) -> Standing:
    """Judge a session at a request, in two queries. A request that nobody made by hand (`is_background`: a page that
    asks for news by itself) doesn't count as being there. What is judged to be over is ended."""
    memberships = memberships_of(user)
    why = _why_over(user, sign_in, memberships, now)
    if why:
        end(sign_in=sign_in, why=why, now=now)
        return Standing(sign_in, memberships, why=why)
    if not is_background and now - sign_in.last_seen_at >= SEEN_EVERY:
        touch(sign_in=sign_in, now=now)
    return Standing(
        sign_in, memberships, lacks_factor=not sign_in.second_factor and any(map(_needs_factor, memberships))
    )


def touch(*, sign_in: SignIn, now: datetime) -> None:
    """She is there."""
    SignIn.objects.filter(pk=sign_in.pk, ended_at=None, last_seen_at__lt=now).update(last_seen_at=now)
    sign_in.last_seen_at = max(sign_in.last_seen_at, now)


def confirm(*, sign_in: SignIn, now: datetime, second_factor: bool | None = None) -> None:
    """She has proved again who she is; `second_factor` where that was with, or is now without, one."""
    sign_in.confirmed_at = now
    if second_factor is not None:
        sign_in.second_factor = second_factor
    sign_in.save(update_fields=["confirmed_at", "second_factor"])


def is_fresh(sign_in: SignIn, *, now: datetime) -> bool:
    """Whether she proved who she is within the last ten minutes."""
    return sign_in.confirmed_at is not None and now - sign_in.confirmed_at < FRESH


def ends_at(sign_in: SignIn) -> tuple[datetime, bool]:
    """When the session ends if nothing is done (UTC), and whether doing something would not help."""
    idle, absolute = sign_in.last_seen_at + IDLE, sign_in.since + ABSOLUTE
    return min(idle, absolute), absolute <= idle


def end(*, sign_in: SignIn, why: str, now: datetime) -> bool:
    """End one session; the event is written by whoever ends it first. Returns whether that was this call."""
    if not SignIn.objects.filter(pk=sign_in.pk, ended_at=None).update(ended_at=now, why_ended=why):
        return False
    verb = "signed-out" if why == Why.OUT else "session-ended"
    account_events.note(user=sign_in.user, verb=verb, after={"sign_in": sign_in.pk, "why": why}, now=now)
    return True


def end_others(*, user: User, but: SignIn | None = None, why: str, now: datetime) -> int:
    """End all of a user's sessions, except `but`. Returns how many there were."""
    others = SignIn.objects.filter(user=user, ended_at=None).exclude(pk=but.pk if but and but.pk else 0)
    return sum(end(sign_in=each, why=why, now=now) for each in list(others))


def listing(*, user: User, now: datetime) -> list[SignIn]:
    """Her sessions that go on, the last seen first. What has run out without another request isn't among them."""
    return list(
        SignIn.objects.filter(
            user=user, ended_at=None, last_seen_at__gt=now - IDLE, since__gt=now - ABSOLUTE
        ).select_related("user")
    )


def _why_over(user: User, sign_in: SignIn, memberships: Sequence[Membership], now: datetime) -> str:
    if sign_in.ended_at is not None:
        return sign_in.why_ended
    if now - sign_in.since >= ABSOLUTE:
        return Why.ABSOLUTE
    if now - sign_in.last_seen_at >= IDLE:
        return Why.IDLE
    if sign_in.roles != _digest(user, memberships):
        return Why.ROLES
    return ""


def _needs_factor(membership: Membership) -> bool:
    return membership.role in membership.center.second_factor_roles


def _digest(user: User, memberships: Sequence[Membership]) -> str:
    roles = sorted(f"{membership.center_id}:{membership.role}" for membership in memberships)
    return sha256(repr((user.is_staff, user.is_superuser, roles)).encode()).hexdigest()


def find(*, pk: object, user_id: int) -> SignIn | None:
    """The user's own session of that id."""
    if not isinstance(pk, int):
        return None
    return SignIn.objects.filter(pk=pk, user=user_id).select_related("user").first()
