"""A forgotten password: a link by mail, for who exists, without telling who that is."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client

from scheduler.models import AccountMail, Event
from scheduler.services import jobs
from tests.web.conftest import NOW, Clinic
from tests.web.signing import PASSWORD, code, is_in, later, person, sign_in, verbs, with_factor
from tests.web.test_sign import fail

NEW = "lantern orbit walnut 7"


def ask(who: str, client: Client | None = None):
    return (client or Client()).post("/forgot/", {"who": who})


def link_for(user) -> str:
    ask(user.username)
    jobs.send_reminders(NOW)
    return re.search(r"https?://[^/]+(/reset/\S+)", mail.outbox[-1].body)[1]


def choose(client: Client, link: str, new: str = NEW):
    client.get(link)
    return client.post("/reset/", {"new_password": new, "new_password_again": new})


def test_a_link_comes_by_mail_and_sets_a_new_password(clinic: Clinic):
    user = person(clinic.center, email="mara@example.org", first_name="Mara")
    answer = choose(Client(), link_for(user))
    assert answer["Location"] == "/sign-in/"
    assert not is_in(sign_in(user))
    assert is_in(sign_in(user, password=NEW))
    assert verbs(user)[:2] == ["reset-link-sent", "password-changed"]


def test_asking_answers_and_works_alike_for_all(clinic: Clinic, django_assert_num_queries):
    user = person(clinic.center, email="mara@example.org")
    disabled = person(clinic.center, email="gone@example.org", is_active=False)
    said = set()
    for who in (user.username, "mara@example.org", disabled.username, "nobody", "nobody@example.org"):
        client = Client()
        with django_assert_num_queries(2):
            answer = ask(who, client)
        said.add((answer.status_code, answer["Location"], client.get("/forgot/sent/").content))
    assert len(said) == 1


def test_no_request_waits_for_a_mail_server(clinic: Clinic, settings):
    settings.EMAIL_BACKEND = "nowhere.Backend"  # touching it would raise
    assert ask(person(clinic.center, email="mara@example.org").username).status_code == 302
    assert mail.outbox == []


def test_nobody_who_does_not_exist_or_may_not_sign_in_gets_mail(clinic: Clinic):
    person(clinic.center, email="gone@example.org", is_active=False)
    for who in ("nobody", "gone@example.org", "", "x@example.org\nbcc: y@example.org"):
        ask(who)
    jobs.send_reminders(NOW)
    assert mail.outbox == []
    assert set(AccountMail.objects.values_list("asked", flat=True)) <= {""}


def test_the_mail_says_nothing_about_the_work(clinic: Clinic):
    user = person(clinic.center, email="mara@example.org", first_name="Mara")
    link_for(user)
    sent = mail.outbox[0]
    text = f"{sent.subject}\n{sent.from_email}\n{sent.body}\n{sent.extra_headers}".lower()
    assert sent.to == ["mara@example.org"]
    for word in ("infusion", "migraine", "treat", "clinic", "patient", "nurse", "drug", "lakeside", user.username):
        assert word not in text, word


def test_a_link_works_once(clinic: Clinic):
    user = person(clinic.center, email="mara@example.org")
    link = link_for(user)
    choose(Client(), link)
    answer = choose(Client(), link, "another orbit walnut 9")
    assert answer.status_code == 404
    assert "works no more" in answer.content.decode()


def test_a_link_works_for_an_hour(clinic: Clinic):
    user = person(clinic.center, email="mara@example.org")
    link = link_for(user)
    with later(minutes=61):
        assert choose(Client(), link).status_code == 404
    with later(minutes=59):
        assert choose(Client(), link).status_code == 302


def test_a_link_is_dead_once_she_signed_in(clinic: Clinic):
    user = person(clinic.center, email="mara@example.org")
    link = link_for(user)
    with later(minutes=1):
        sign_in(user)
        assert choose(Client(), link).status_code == 404


@pytest.mark.parametrize("link", ["/reset/MQ/abc-def/", "/reset/x/y/", "/reset/__/cy-1/", "/reset/OTk5OTk5/a-b/"])
def test_a_made_up_link_says_the_same_whoever_it_names(clinic: Clinic, link: str):
    assert choose(Client(), link).status_code == 404


def test_the_token_leaves_the_address_at_once(clinic: Clinic):
    link = link_for(person(clinic.center, email="mara@example.org"))
    answer = Client().get(link)
    assert answer["Location"] == "/reset/"
    assert "no-store" in answer["Cache-Control"]


def test_a_reset_ends_every_session(clinic: Clinic):
    user = person(clinic.center, email="mara@example.org")
    client = sign_in(user)
    link = link_for(user)
    assert is_in(client)
    choose(Client(), link)
    assert not is_in(client)


def test_a_reset_does_not_replace_the_second_factor(clinic: Clinic):
    user = person(clinic.center, email="mara@example.org")
    with_factor(user)
    choose(Client(), link_for(user))
    client = sign_in(user, password=NEW)
    assert not is_in(client)
    client.post("/sign-in/code/", {"otp": code()})
    assert is_in(client)


def test_asking_for_a_link_opens_no_lock_but_using_it_does_at_that_address(clinic: Clinic):
    user = person(clinic.center, email="mara@example.org")
    fail(user.username, 5)
    fail(user.username, 5, client=Client(REMOTE_ADDR="203.0.113.9"))
    link = link_for(user)
    assert not is_in(sign_in(user))
    choose(Client(), link)
    assert is_in(sign_in(user, password=NEW))
    assert not is_in(sign_in(user, password=NEW, client=Client(REMOTE_ADDR="203.0.113.9")))


def test_a_weak_new_password_is_refused_and_the_link_still_works(clinic: Clinic):
    link = link_for(person(clinic.center, email="mara@example.org"))
    client = Client()
    answer = choose(client, link, "password1234")
    assert answer.status_code == 403
    assert "easy to guess" in answer.content.decode()
    assert choose(client, link).status_code == 302


def test_whoever_was_signed_in_in_that_browser_is_not_any_more(clinic: Clinic):
    colleague = sign_in(person(clinic.center))
    choose(colleague, link_for(person(clinic.center, email="mara@example.org")))
    assert not is_in(colleague)


def test_a_mailbox_gets_three_links_an_hour_at_most(clinic: Clinic):
    user = person(clinic.center, email="mara@example.org")
    for _ in range(5):
        ask(user.username)
    jobs.send_reminders(NOW)
    assert len(mail.outbox) == 3
    assert Event.objects.filter(verb="reset-link-sent").count() == 3


def test_one_address_fills_no_table(clinic: Clinic):
    for number in range(40):
        ask(f"name-{number}")
    assert AccountMail.objects.count() == 30
    assert ask("somebody", Client(REMOTE_ADDR="192.0.2.99")).status_code == 302
    assert AccountMail.objects.count() == 31


def test_the_new_password_is_told_by_mail(clinic: Clinic):
    user = person(clinic.center, email="mara@example.org")
    choose(Client(), link_for(user))
    jobs.send_reminders(NOW)
    assert [sent.subject for sent in mail.outbox] == ["Choose a new password", "Your password was changed"]
    assert PASSWORD not in mail.outbox[1].body
    assert NEW not in mail.outbox[1].body
