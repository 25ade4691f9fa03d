"""Every model in Django's admin with everybody at the door, and own and foreign rows; a model that this walk doesn't
know fails it."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import get_resolver

from scheduler.domain.permissions import PEOPLES_ROLES
from tests import factories as make
from tests.security import routes
from tests.security.world import THEIRS, World, may

# What managers look at, by its row in world.Things.
SET_UP = {"center", "unit", "chair", "closure", "nurse", "shift", "protocol", "unitday"}
# What only operators see. Those after the bar are written by services and read-only for operators, too.
OPERATORS = {"user", "membership", "apikey", "totpdevice"} | {
    "appointment", "occupancy", "event", "access", "dose", "ledgerentry",
}  # fmt: skip
ROWS = {"membership": "membership", "apikey": "key", "appointment": "appointment"} | {name: name for name in SET_UP}
# Addresses of the admin that belong to no model.
ADMINS_OWN = {
    "admin/", "admin/login/", "admin/logout/", "admin/password_change/", "admin/password_change/done/",
    "admin/autocomplete/", "admin/jsi18n/", "admin/r/<path:content_type_id>/<path:object_id>/",
}  # fmt: skip


def models() -> dict[str, str]:
    """By the model's name, the beginning of its addresses."""
    return {
        str(model._meta.model_name): f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for model in admin.site._registry
    }


def let_in(world: World, role: str) -> Client:
    """Somebody of that role whom the operator lets into the admin."""
    client = Client(raise_request_exception=False)
    client.force_login(make.make_user(world.clinic.center, role, is_staff=True))
    return client


def test_the_walk_knows_every_model():
    assert set(models()) - SET_UP - OPERATORS == set(), "a model without a line in this walk"
    assert (SET_UP | OPERATORS) - set(models()) == set()


def test_the_admin_has_no_addresses_besides_those_of_its_models():
    of_models = tuple(f"{path[1:]}" for path in models().values())
    found = {route.path for route in routes.all_routes() if route.path.startswith("admin/")}
    rest = {path for path in found if not path.startswith(of_models)} - ADMINS_OWN
    assert {path for path in rest if "(?P<" not in path} == set()
    assert get_resolver()


@pytest.mark.parametrize("role", PEOPLES_ROLES)
def test_each_role_sees_the_lists_that_the_table_gives_it(world: World, role: str):
    client = let_in(world, role)
    for name, path in models().items():
        allowed = name in SET_UP and may(role, "edit-setup")
        answer = client.get(path)
        assert answer.status_code == (200 if allowed else 403), (name, answer.status_code)
        assert client.get(f"{path}add/").status_code == 403, name
        assert THEIRS not in answer.content.decode(), name
        assert "Elsewhere" not in answer.content.decode(), name


@pytest.mark.parametrize("role", PEOPLES_ROLES)
def test_each_role_sees_the_rows_that_the_table_gives_it_and_changes_none(world: World, role: str):
    client = let_in(world, role)
    for name, thing in ROWS.items():
        path = f"{models()[name]}{world.own.values[thing]}/"
        allowed = name in SET_UP and may(role, "edit-setup")
        assert client.get(f"{path}change/").status_code == (200 if allowed else 403), name
        assert client.post(f"{path}change/", {}).status_code == 403, name
        assert client.post(f"{path}delete/", {"post": "yes"}).status_code == 403, name
        assert client.get(f"{path}history/").status_code in ((200,) if allowed else (403, 404)), name


@pytest.mark.parametrize("role", PEOPLES_ROLES)
def test_another_centers_rows_are_not_there(world: World, role: str):
    client = let_in(world, role)
    for name, thing in ROWS.items():
        foreign = f"{models()[name]}{world.foreign.values[thing]}/"
        nowhere = f"{models()[name]}987654321/"
        for view in ("change", "delete", "history"):
            answers = [client.get(f"{row}{view}/") for row in (foreign, nowhere)]
            assert answers[0].status_code == answers[1].status_code, (name, view)
            looks = name in SET_UP and may(role, "edit-setup") and view != "delete"
            assert answers[0].status_code in ((404,) if looks else (403, 404)), (name, view)
            assert THEIRS not in answers[0].content.decode(), (name, view)


@pytest.mark.parametrize("who", [*PEOPLES_ROLES, "nobody", "anonymous", "stranger"])
def test_who_was_not_let_in_is_sent_to_sign_in(world: World, who: str):
    client = world.person(who)
    for name, path in models().items():
        answer = client.get(path)
        assert answer.status_code == 302, name
        assert "/login/" in answer["Location"] or "/sign-in/" in answer["Location"], name


def test_a_key_opens_no_admin(world: World):
    for path in models().values():
        assert world.key("manager").get(path).status_code == 302


def test_an_operator_sees_all_and_writes_the_set_up_only(world: World):
    client = world.person("operator")
    for name, path in models().items():
        assert client.get(path).status_code == 200, name
        assert client.get(f"{path}add/").status_code == (
            200 if name in SET_UP | {"user", "membership", "totpdevice"} else 403
        ), name


def test_every_write_in_the_admin_needs_the_csrf_token(world: World):
    client = world.person("operator", enforce_csrf_checks=True)
    for name, thing in ROWS.items():
        path = f"{models()[name]}{world.own.values[thing]}/"
        for view in ("change", "delete"):
            answer = client.post(f"{path}{view}/", {"post": "yes"})
            assert answer.status_code == 403, name
            assert "form was too old" in answer.content.decode(), name
