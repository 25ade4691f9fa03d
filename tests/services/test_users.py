"""Managers look after the people and keys of their own center, and never after themselves."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from scheduler.domain.errors import Forbidden, Malformed, NotFound, Refused
from scheduler.domain.permissions import AUDITOR, FRONT_DESK, INTEGRATION, MANAGER, NURSE, ROLES, Actor
from scheduler.models import AccountMail, ApiKey, Event, Membership
from scheduler.services import api_keys, users
from tests import factories as make
from tests.factories import NOW

EVE = {
    "username": "eve", "first_name": "Eve", "last_name": "Adams", "email": "eve@example.org", "role": NURSE,
}  # fmt: skip


@pytest.fixture
def boss(center) -> Membership:
    return Membership.objects.get(user=make.make_user(center, MANAGER))


@pytest.fixture
def actor(center, boss) -> Actor:
    return Actor(who=f"user:{boss.user_id}", role=MANAGER, center_id=center.pk)


def member(center, role=NURSE, **values) -> Membership:
    return Membership.objects.get(user=make.make_user(center, role, **values), center=center)


STEPS = {
    "change_role": {"role": FRONT_DESK},
    "end_access": {},
    "give_access": {},
    "reset_second_factor": {},
    "send_link": {},
}


class TestWho:
    @pytest.mark.parametrize("role", [role for role in ROLES if role != MANAGER])
    def test_only_managers(self, center, boss, role):
        other = make.make_actor(center, role)
        row = member(center)
        for step, more in STEPS.items():
            with pytest.raises(Forbidden):
                getattr(users, step)(actor=other, membership=row, now=NOW, **more)
        with pytest.raises(Forbidden):
            users.add(actor=other, center=center, now=NOW, **EVE)
        with pytest.raises(Forbidden):
            users.issue_key(actor=other, center=center, name="x", scopes=["book"], now=NOW)

    def test_no_key_not_even_a_managers(self, center, boss):
        key = Actor(who="key:1", role=MANAGER, center_id=center.pk)
        with pytest.raises(Forbidden):
            users.change_role(actor=key, membership=member(center), role=AUDITOR, now=NOW)

    def test_only_of_their_own_center(self, actor):
        there = make.make_center()
        row = member(there)
        for step, more in STEPS.items():
            with pytest.raises(NotFound):
                getattr(users, step)(actor=actor, membership=row, now=NOW, **more)
        with pytest.raises(NotFound):
            users.add(actor=actor, center=there, now=NOW, **EVE)

    @pytest.mark.parametrize("step", STEPS)
    def test_never_their_own(self, center, actor, boss, step):
        member(center, MANAGER)
        with pytest.raises(Forbidden):
            getattr(users, step)(actor=actor, membership=boss, now=NOW, **STEPS[step])
        boss.refresh_from_db()
        assert (boss.role, boss.user.is_active) == (MANAGER, True)

    @pytest.mark.parametrize("step", STEPS)
    def test_never_who_runs_the_service(self, center, actor, step):
        row = member(center, is_superuser=True)
        with pytest.raises(Forbidden):
            getattr(users, step)(actor=actor, membership=row, now=NOW, **STEPS[step])

    def test_nobody_is_made_an_operator_or_an_integration(self, center, actor):
        for role in ("operator", INTEGRATION, "link", ""):
            with pytest.raises(Malformed):
                users.change_role(actor=actor, membership=member(center), role=role, now=NOW)
            with pytest.raises(Malformed):
                users.add(actor=actor, center=center, now=NOW, **EVE | {"role": role})
        users.add(actor=actor, center=center, now=NOW, **EVE)
        assert not get_user_model().objects.filter(username="eve", is_staff=True).exists()


class TestTheLastManager:
    def test_stays(self, center, actor, boss):
        second = member(center, MANAGER)
        operator = Actor(who="user:0", role=MANAGER, center_id=center.pk)
        users.end_access(actor=actor, membership=second, now=NOW)
        for step, more in (("change_role", {"role": NURSE}), ("end_access", {})):
            with pytest.raises(Refused) as refused:
                getattr(users, step)(actor=operator, membership=boss, now=NOW, **more)
            assert refused.value.refusals[0].code == "a_manager_stays"

    def test_a_disabled_one_is_none(self, center, actor, boss):
        second = member(center, MANAGER, is_active=False)
        users.change_role(actor=actor, membership=second, role=NURSE, now=NOW)
        second.refresh_from_db()
        assert second.role == NURSE


class TestAccess:
    def test_somebody_new_is_invited_and_nobody_knows_her_password(self, center, actor):
        row = users.add(actor=actor, center=center, now=NOW, **EVE)
        mail = AccountMail.objects.get()
        assert (mail.user_id, mail.kind, row.role) == (row.user_id, "reset", NURSE)
        assert row.user.has_usable_password()
        event = Event.objects.get(verb="add-user")
        assert (event.subject_id, event.after, event.center_id) == (row.user_id, {"role": NURSE}, center.pk)

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"username": ""}, "username"),
            ({"username": "e ve"}, "username"),
            ({"username": "x" * 151}, "username"),
            ({"email": ""}, "email"),
            ({"email": "eve"}, "email"),
            ({"first_name": "", "last_name": " "}, "last_name"),
        ],
    )
    def test_what_makes_no_sense_is_named(self, center, actor, change, field):
        with pytest.raises(Malformed) as wrong:
            users.add(actor=actor, center=center, now=NOW, **EVE | change)
        assert wrong.value.field == field
        assert not AccountMail.objects.exists()

    def test_a_user_name_is_given_once(self, center, actor):
        users.add(actor=actor, center=center, now=NOW, **EVE)
        with pytest.raises(Malformed) as wrong:
            users.add(actor=actor, center=center, now=NOW, **EVE)
        assert wrong.value.field == "username"
        assert AccountMail.objects.count() == 1

    def test_access_ends_and_is_given_again(self, center, actor):
        row = member(center)
        users.end_access(actor=actor, membership=row, now=NOW)
        users.end_access(actor=actor, membership=row, now=NOW)
        row.user.refresh_from_db()
        assert not row.user.is_active
        users.give_access(actor=actor, membership=row, now=NOW)
        row.user.refresh_from_db()
        assert row.user.is_active
        assert list(Event.objects.values_list("verb", flat=True)) == ["disable-user", "enable-user"]

    def test_who_works_elsewhere_too_loses_only_the_role_here(self, center, actor):
        row = member(center)
        elsewhere = Membership.objects.create(center=make.make_center(), user=row.user, role=NURSE)
        users.end_access(actor=actor, membership=row, now=NOW)
        assert list(Membership.objects.filter(user=row.user)) == [elsewhere]
        row.user.refresh_from_db()
        assert row.user.is_active

    def test_a_changed_role_is_on_record_with_before_and_after(self, center, actor):
        row = member(center)
        users.change_role(actor=actor, membership=row, role=AUDITOR, now=NOW)
        users.change_role(actor=actor, membership=row, role=AUDITOR, now=NOW)
        event = Event.objects.get(verb="change-role")
        assert (event.before, event.after) == ({"role": NURSE}, {"role": AUDITOR})

    def test_a_link_needs_an_address_and_access(self, center, actor):
        row = member(center, email="dana@example.org")
        users.send_link(actor=actor, membership=row, now=NOW)
        assert AccountMail.objects.get().user_id == row.user_id
        users.end_access(actor=actor, membership=row, now=NOW)
        for each in (row, member(center)):
            with pytest.raises(Malformed):
                users.send_link(actor=actor, membership=each, now=NOW)


class TestKeys:
    def test_a_key_is_an_integrators_and_works_until_it_is_revoked(self, center, actor):
        key = users.issue_key(actor=actor, center=center, name="EHR", scopes=["book", "read-schedule"], now=NOW)
        found = api_keys.verify(key=key, now=NOW)
        assert found is not None
        assert (found.role, found.center_id) == (INTEGRATION, center.pk)
        users.revoke_key(actor=actor, center=center, pk=found.api_key_id, now=NOW)
        assert api_keys.verify(key=key, now=NOW) is None

    def test_a_key_says_what_it_may(self, center, actor):
        for scopes in ([], ["set-up"], ["everything"]):
            with pytest.raises(Malformed):
                users.issue_key(actor=actor, center=center, name="EHR", scopes=scopes, now=NOW)

    def test_another_centers_key_is_not_there(self, center, actor):
        there = make.make_center()
        api_keys.issue(actor=Actor.job("test"), name="x", center_code=there.code, role=INTEGRATION, now=NOW)
        with pytest.raises(NotFound):
            users.revoke_key(actor=actor, center=center, pk=ApiKey.objects.get().pk, now=NOW)
        assert ApiKey.objects.get().revoked_at is None
