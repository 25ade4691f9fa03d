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
from scheduler.domain.permissions import WALL
from scheduler.models import Center, Membership, SignIn
from scheduler.queries import raw
from scheduler.services import account_events

Why = SignIn.Why

IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=12)  # one long shift
# A screen on the wall, which nobody touches and which can do nothing (docs/decisions/0014-a-wall-signs-in-as-one.md).
WALL_LASTS = timedelta(days=180)
WALL_SEEN_EVERY = timedelta(hours=1)
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
    """Judge a session at a request; one that `find` read brings her memberships along. A request that nobody made by
    hand (`is_background`: a page that asks for news by itself) doesn't count as being there. What is judged to be over
    is ended."""
    memberships = sign_in.__dict__.pop("memberships", None)
    if memberships is None:
        memberships = memberships_of(user)
    why = _why_over(user, sign_in, memberships, now)
    if why:
        end(sign_in=sign_in, why=why, now=now)
        return Standing(sign_in, memberships, why=why)
    on_wall = is_wall(user, memberships)
    if (on_wall or not is_background) and now - sign_in.last_seen_at >= (WALL_SEEN_EVERY if on_wall else SEEN_EVERY):
        touch(sign_in=sign_in, now=now)
    return Standing(
        sign_in, memberships, lacks_factor=not sign_in.second_factor and any(map(_needs_factor, memberships))
    )


def is_wall(user: User, memberships: Sequence[Membership]) -> bool:
    """Whether that user is a wall screen everywhere, and nothing else: only then her session lasts long."""
    return bool(memberships) and not user.is_staff and all(each.role == WALL for each in memberships)


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


def ends_at(standing: Standing) -> tuple[datetime, bool]:
    """When the session ends if nothing is done (UTC), and whether doing something would not help."""
    sign_in = standing.sign_in
    idle, absolute = _limits(sign_in.user, standing.memberships)
    return min(sign_in.last_seen_at + idle, sign_in.since + absolute), absolute <= idle + (
        sign_in.last_seen_at - sign_in.since
    )


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
    idle, absolute = _limits(user, memberships_of(user))
    return list(
        SignIn.objects.filter(
            user=user, ended_at=None, last_seen_at__gt=now - idle, since__gt=now - absolute
        ).select_related("user")
    )


def _limits(user: User, memberships: Sequence[Membership]) -> tuple[timedelta, timedelta]:
    """How long a session lasts without use, and at most."""
    return (WALL_LASTS, WALL_LASTS) if is_wall(user, memberships) else (IDLE, ABSOLUTE)


def _why_over(user: User, sign_in: SignIn, memberships: Sequence[Membership], now: datetime) -> str:
    if sign_in.ended_at is not None:
        return sign_in.why_ended
    idle, absolute = _limits(user, memberships)
    if now - sign_in.since >= absolute:
        return Why.ABSOLUTE
    if now - sign_in.last_seen_at >= idle:
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
    """The user's own session of that id; with her memberships, which `look` needs at once."""
    if not isinstance(pk, int):
        return None
    found = None
    for values in raw.rows(_FIND, {"pk": pk, "user": user_id}, prepared=True):
        found = found or raw.instance(SignIn, values[:_OF_SIGN_IN])
        assert found is not None  # the join is outer on the other side
        memberships = found.__dict__.setdefault("memberships", [])
        membership = raw.instance(Membership, values[_OF_SIGN_IN:_OF_MEMBERSHIP])
        if membership is not None:
            center = raw.instance(Center, values[_OF_MEMBERSHIP:])
            assert center is not None  # a membership without a center can't be
            membership.center = center
            memberships.append(membership)
    return found


_OF_SIGN_IN = raw.width(SignIn)
_OF_MEMBERSHIP = _OF_SIGN_IN + raw.width(Membership)
_FIND = f"""SELECT {raw.columns(SignIn, "s")}, {raw.columns(Membership, "m")}, {raw.columns(Center, "c")}
    FROM scheduler_signin s LEFT JOIN scheduler_membership m ON m.user_id = s.user_id
    LEFT JOIN scheduler_center c ON c.id = m.center_id
    WHERE s.id = %(pk)s AND s.user_id = %(user)s ORDER BY c.name, m.id"""
