"""The managers' page: who works here with which role, how they sign in, and which keys integrators hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from scheduler.domain.errors import Forbidden, Malformed, NotFound, Refused
from scheduler.domain.permissions import PEOPLES_ROLES
from scheduler.models import ApiKey, Nurse
from scheduler.queries import staff
from scheduler.services import nurses, second_factor, users
from scheduler.web import confirm, words
from scheduler.web.door import Desk, door, page
from scheduler.web.sorting import Column, arrange


@door("manage-people")
def people(desk: Desk) -> HttpResponse:
    found = staff.people(center=desk.center)
    context = {
        "title": _("People and keys"),
        "place": "people",
        "table": arrange(desk, found, _columns()).mapped(lambda each: _line(desk, each)),
        "keys": arrange(desk, staff.keys(center=desk.center), _key_columns(), field="keys").mapped(
            lambda each: key_line(desk, each)
        ),
        "factor_roles": [
            {"code": role, "name": words.role(role), "is_on": role in desk.center.second_factor_roles}
            for role in PEOPLES_ROLES
        ],
    }
    return page(desk, "scheduler/people.html", context)


@door("manage-people", posts=True)
def new(desk: Desk) -> HttpResponse:
    post = desk.request.POST
    wrong: dict[str, str] = {}
    if desk.request.method == "POST":
        if ask := confirm.needed(desk):
            return ask
        names = ("username", "first_name", "last_name", "email", "role")
        try:
            made = users.add(
                actor=desk.actor, center=desk.center, now=desk.now, **{name: post.get(name, "") for name in names}
            )
            return redirect("person", pk=made.pk)
        except Malformed as malformed:
            wrong[malformed.field] = malformed.say(_)
    context = {"title": _("New colleague"), "place": "people", "post": post, "wrong": wrong, "roles": _roles()}
    return page(desk, "scheduler/person_new.html", context, status=400 if wrong else 200)


@door("manage-people")
def person(desk: Desk, *, pk: int) -> HttpResponse:
    return _show(desk, _person(desk, pk))


@door("manage-people", posts=True, gets=False)
def act(desk: Desk, *, pk: int, action: str) -> HttpResponse:
    """role, nurse, end, give, factor and link: what is done about one person."""
    found = _person(desk, pk)
    common: dict[str, Any] = {"actor": desk.actor, "membership": found.membership, "now": desk.now}
    steps: dict[str, Callable[[], object]] = {
        "role": lambda: users.change_role(**common, role=desk.request.POST.get("role", "")),
        "nurse": lambda: _tie(desk, found),
        "end": lambda: users.end_access(**common),
        "give": lambda: users.give_access(**common),
        "factor": lambda: users.reset_second_factor(**common),
        "link": lambda: users.send_link(**common),
    }
    if action not in steps:
        raise Http404
    if ask := confirm.needed(desk):
        return ask
    try:
        steps[action]()
    except Refused as refused:
        return _show(desk, found, trouble=[each.say(_) for each in refused.refusals], status=409)
    except Malformed as wrong:
        return _show(desk, found, trouble=[wrong.say(_)], status=400)
    except Forbidden as no:
        desk.note_denial(no)
        return _show(desk, found, trouble=[no.say(_)], status=403)
    if staff.person(center=desk.center, pk=pk) is None:  # she works elsewhere only, now
        return redirect("people")
    return redirect("person", pk=pk)


@door("manage-people", posts=True, gets=False)
def factor_roles(desk: Desk) -> HttpResponse:
    """Which roles sign in with a second factor."""
    if ask := confirm.needed(desk):
        return ask
    roles = [role for role in desk.request.POST.getlist("role") if role in PEOPLES_ROLES]
    second_factor.require_second_factor(actor=desk.actor, center=desk.center, roles=roles, now=desk.now)
    return redirect("people")


def _columns() -> list[Column[staff.Person]]:
    return [
        Column("name", _("Name"), lambda each: words.person(each.user)),
        Column("role", _("Role"), lambda each: words.role(each.membership.role)),
        Column("seen", _("Last seen"), lambda each: each.last_seen, falls=True),
        Column("factor", _("Second factor"), lambda each: each.has_factor),
        Column("access", _("Access"), lambda each: not each.user.is_active),
    ]


def _key_columns() -> list[Column[ApiKey]]:
    return [
        Column("name", _("Name"), lambda key: key.name),
        Column("may", _("May")),
        Column("made", _("Made"), lambda key: key.created_at, falls=True),
        Column("used", _("Last used"), lambda key: key.last_used_at, falls=True),
    ]


def _tie(desk: Desk, found: staff.Person) -> None:
    """Field `nurse`: whom of the roster she is, empty for nobody. Raises NotFound for another center's."""
    text = desk.request.POST.get("nurse", "")
    nurse = None
    if text:
        rows = Nurse.objects.filter(center=desk.center)
        nurse = rows.filter(pk=text).first() if text.isascii() and text.isdigit() and len(text) < 19 else None
        if nurse is None:
            raise NotFound
    nurses.tie(actor=desk.actor, center=desk.center, user=found.user, nurse=nurse, now=desk.now)


def _person(desk: Desk, pk: int) -> staff.Person:
    found = staff.person(center=desk.center, pk=pk)
    if found is None:
        raise Http404
    return found


def _show(desk: Desk, found: staff.Person, *, trouble: list[str] | None = None, status: int = 200) -> HttpResponse:
    context = {
        "title": words.person(found.user),
        "place": "people",
        "found": found,
        "line": _line(desk, found),
        "roles": _roles(),
        "nurses": staff.free_nurses(center=desk.center, user=found.user),
        "needs_factor": found.membership.role in desk.center.second_factor_roles,
        "trouble": trouble,
    }
    return page(desk, "scheduler/person.html", context, status=status)


def _roles() -> list[tuple[str, str]]:
    return [(role, words.role(role)) for role in PEOPLES_ROLES]


def _line(desk: Desk, each: staff.Person) -> dict[str, Any]:
    user = each.user
    return {
        "pk": each.membership.pk,
        "name": words.person(user),
        "username": user.get_username(),
        "email": user.email,
        "role": words.role(each.membership.role),
        "seen": _ago(desk, each.last_seen),
        "has_factor": each.has_factor,
        "is_active": user.is_active,
        "is_new": user.last_login is None,
        "is_me": user.pk == desk.request.user.pk,
        "is_operator": user.is_superuser,
        "works_elsewhere": each.works_elsewhere,
    }


def key_line(desk: Desk, key: ApiKey) -> dict[str, Any]:
    role = next((each.role for each in key.memberships.all() if each.center_id == desk.center.pk), "")
    return {
        "pk": key.pk,
        "name": key.name,
        "prefix": key.prefix,
        "role": words.role(role),
        "scopes": ", ".join(words.scope(scope) for scope in key.scopes) if key.scopes is not None else _("all"),
        "made": words.ago(key.created_at.astimezone(desk.center.zone), desk.now.astimezone(desk.center.zone)),
        "used": _ago(desk, key.last_used_at),
        "revoked": _ago(desk, key.revoked_at),
    }


def _ago(desk: Desk, moment: Any) -> str:
    zone = desk.center.zone
    return words.ago(moment.astimezone(zone), desk.now.astimezone(zone)) if moment is not None else ""
