"""Holds a session against its limits (services/sessions.py). One that is over becomes an anonymous one that remembers
only whose it was."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from scheduler.models import Membership, SignIn
from scheduler.services import sessions
from scheduler.web import addresses

SIGN_IN = "sign_in"  # in the session: the id of its SignIn
CENTER = "center"  # in the session: the center she chose
_WAS = "was"


@dataclass(frozen=True, slots=True)
class Was:
    """Whose an anonymous session was before it ended, and why that was."""

    user: int
    name: str
    center: int | None
    why: str


def standing_of(request: HttpRequest) -> sessions.Standing | None:
    """What the middleware found about this request's session; None without anybody signed in."""
    return getattr(request, "standing", None)


def memberships_of(request: HttpRequest) -> list[Membership]:
    """The memberships of who is signed in, read once a request."""
    standing = standing_of(request)
    if standing is not None:
        return list(standing.memberships)
    return sessions.memberships_of(request.user)  # type: ignore[arg-type]  # only asked where somebody signed in


def seconds_left(request: HttpRequest, now: datetime) -> int:
    """Until this session ends if nothing is done; 0 without one."""
    standing = standing_of(request)
    if standing is None:
        return 0
    return max(0, int((sessions.ends_at(standing)[0] - now).total_seconds()))


def is_background(request: HttpRequest) -> bool:
    """A request that a page makes by itself says so (X-Requested-With: fetch; a stream can't say, and is one by its
    address): it is no sign of anybody being there."""
    return request.headers.get("X-Requested-With") == "fetch" or request.path_info.startswith("/live/")


def leave(request: HttpRequest, *, was: Was) -> None:
    """The session ends here and now; a new, anonymous one remembers whose it was."""
    request.session.flush()
    request.user = AnonymousUser()
    request.session[_WAS] = asdict(was)


def was(request: HttpRequest) -> Was | None:
    """Whose session this was, if it is one that ended."""
    kept = request.session.get(_WAS)
    return Was(**kept) if kept else None


def forget(request: HttpRequest) -> None:
    request.session.pop(_WAS, None)


def hold(request: HttpRequest, now: datetime) -> None:
    """Judge the session of a request that has one; afterwards `request.user` is who may go on."""
    # Read before the user is: Django empties the session of somebody disabled or with a new password.
    pk, known, center = (request.session.get(name) for name in (SESSION_KEY, SIGN_IN, CENTER))
    if pk is None:
        return
    row = sessions.find(pk=known, user_id=int(pk))
    user = request.user
    if not user.is_authenticated:
        if row is None:
            request.session.flush()
            return
        why = row.why_ended or SignIn.Why.DISABLED
        sessions.end(sign_in=row, why=why, now=now)
        leave(request, was=Was(row.user_id, row.user.get_username(), center, why))
        return
    if known is None:  # from before there were sign-ins, or from a test
        row = sessions.begin(
            user=user,
            address=addresses.of(request),
            user_agent=request.headers.get("User-Agent", ""),
            second_factor=False,
            confirmed=False,
            now=now,
        )
        request.session[SIGN_IN] = row.pk
    if row is None:
        leave(request, was=Was(user.pk, user.get_username(), center, SignIn.Why.ELSEWHERE))
        return
    standing = sessions.look(user=user, sign_in=row, is_background=is_background(request), now=now)
    if standing.why:
        leave(request, was=Was(user.pk, user.get_username(), center, standing.why))
        return
    request.standing = standing  # type: ignore[attr-defined]
    if standing.lacks_factor and request.path_info.startswith("/api/"):
        request.user = AnonymousUser()  # 401: a program can't set up a second factor
