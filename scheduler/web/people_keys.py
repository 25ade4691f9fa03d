"""Keys of integrators: issued on the managers' page, shown once, revoked at once."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from scheduler.domain.errors import Malformed
from scheduler.domain.permissions import INTEGRATION, scopes_of
from scheduler.services import users
from scheduler.web import confirm, words
from scheduler.web.door import Desk, door, page


@door("manage-people", posts=True)
def new(desk: Desk) -> HttpResponse:
    """The answer to the POST shows the key, and nothing keeps it: not the session, not the browser."""
    post = desk.request.POST
    wrong: dict[str, str] = {}
    if desk.request.method == "POST":
        if ask := confirm.needed(desk):
            return ask
        try:
            key = users.issue_key(
                actor=desk.actor,
                center=desk.center,
                name=post.get("name", ""),
                scopes=post.getlist("scope"),
                now=desk.now,
            )
            shown = {"title": _("The new key"), "place": "people", "key": key, "name": post.get("name", "").strip()}
            return page(desk, "scheduler/key_shown.html", shown, status=201)
        except Malformed as malformed:
            wrong[malformed.field] = malformed.say(_)
    scopes = [
        {"code": scope, "name": words.scope(scope), "is_on": scope in post.getlist("scope")}
        for scope in sorted(scopes_of(INTEGRATION))
    ]
    context: dict[str, object] = {
        "title": _("New key"),
        "place": "people",
        "post": post,
        "wrong": wrong,
        "scopes": scopes,
    }
    return page(desk, "scheduler/key_new.html", context, status=400 if wrong else 200)


@door("manage-people", posts=True, gets=False)
def revoke(desk: Desk, *, pk: int) -> HttpResponse:
    """At once, and not asked for again: a key that may be stolen can't wait. NotFound is 404."""
    users.revoke_key(actor=desk.actor, center=desk.center, pk=pk, now=desk.now)
    return redirect("people")
