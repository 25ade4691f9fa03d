"""A form that came in after its session had ended: carried through the sign-in page, and sent again by the same person.

The fields travel in the answer itself, as one signed text (Django's signing; compressed, not encrypted: it is what this
browser has just sent). They are in no address, no storage of the browser and no table, and somebody else who signs in
on that page doesn't get them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.core import signing
from django.http import HttpRequest

_SALT = "scheduler.web.kept"
GOOD_FOR = timedelta(hours=12)
_NEVER = {"csrfmiddlewaretoken", "otp"}


@dataclass(frozen=True, slots=True)
class Kept:
    user: int
    path: str
    fields: list[tuple[str, str]]


def pack(request: HttpRequest, *, user: int) -> str:
    """The posted fields as one signed text. Passwords and codes are never among them, nor files."""
    fields = [
        (name, value)
        for name in request.POST
        if name not in _NEVER and "password" not in name
        for value in request.POST.getlist(name)
    ]
    return signing.dumps([user, request.get_full_path(), fields], salt=_SALT, compress=True)


def unpack(text: str) -> Kept | None:
    """None for nothing, and for what isn't ours or has grown old."""
    if not text:
        return None
    try:
        user, path, fields = signing.loads(text, salt=_SALT, max_age=GOOD_FOR)
    except signing.BadSignature:
        return None
    return Kept(user, path, [(name, value) for name, value in fields])
