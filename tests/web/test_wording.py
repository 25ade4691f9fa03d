"""A center's own words in messages: changed, previewed, refused, put back, and sent."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.core import mail as outbox

from scheduler.domain.errors import Forbidden, Stale
from scheduler.domain.permissions import AUDITOR, FRONT_DESK, MANAGER, NURSE, Actor
from scheduler.models import Event, LedgerEntry, Wording
from scheduler.services import mail, sample, wording
from scheduler.services.sending import send_due
from tests import factories as make
from tests.support.clinic import Clinic as Small
from tests.support.threads import together
from tests.web.conftest import NOW, Clinic

PAGE = "/wording/booked/en/"
OWN = {
    "subject": "See you {date} at {time}",
    "opening": "We look forward, {first_name}.",
    "closing": "Park at <b>gate 4</b>.\n\nBring a friend.",
}


def save(client, page: str = PAGE, *, do: str = "save", version: int = 0, **texts: str):
    return client.post(page, {"do": do, "version": version, **OWN, **texts})


@pytest.fixture
def manager(clinic: Clinic):
    return clinic.client(MANAGER)


def said(page) -> str:
    return unescape(page.content.decode())


class TestThePage:
    def test_each_kind_of_message_is_there_in_both_languages(self, manager):
        page = manager.get("/wording/").content.decode()
        for kind in wording.KINDS:
            for language in ("en", "es"):
                assert f"/wording/{kind}/{language}/" in page
        assert "Own words" not in page

    @pytest.mark.parametrize("kind", wording.KINDS)
    @pytest.mark.parametrize("language", ["en", "es"])
    def test_the_standard_text_stands_there_with_its_placeholders_and_a_preview(self, manager, kind, language):
        page = said(manager.get(f"/wording/{kind}/{language}/"))
        assert "The standard text." in page
        assert "Maria" in page
        if kind != "offer-gone":
            assert "{time}" in page.split('id="subject"')[1][:200]

    @pytest.mark.parametrize("kind", wording.KINDS)
    @pytest.mark.parametrize("language", ["en", "es"])
    def test_the_standard_text_is_what_is_sent_without_own_words(self, clinic, kind, language):
        usual = wording.standard(kind, language)
        without = sample.written(center=clinic.center, kind=kind, language=language, said=wording.Said(), now=NOW)
        with_it = sample.written(center=clinic.center, kind=kind, language=language, said=usual, now=NOW)
        assert with_it.subject == without.subject

    @pytest.mark.parametrize("path", ["/wording/call-back/en/", "/wording/booked/de/", "/wording/x/y/"])
    def test_there_are_no_others(self, manager, path):
        assert manager.get(path).status_code == 404
        assert save(manager, path).status_code == 404

    @pytest.mark.parametrize("role", [FRONT_DESK, NURSE, AUDITOR])
    def test_it_is_the_managers(self, clinic, role):
        assert clinic.client(role).get(PAGE).status_code == 403
        assert save(clinic.client(role)).status_code == 403
        with pytest.raises(Forbidden):
            wording.change(
                actor=Actor(who="user:1", role=role, center_id=clinic.center.pk),
                center=clinic.center, kind="booked", language="en", texts=OWN, version=0, now=NOW,
            )  # fmt: skip


class TestChanging:
    def test_a_preview_shows_it_and_keeps_nothing(self, manager):
        page = said(save(manager, do="preview"))
        assert "As it would be sent, not saved yet" in page
        assert re.search(r"<b>See you \w+day \d+ \w+ at 10:00 am</b>", page)
        assert page.count("We look forward, Maria.") == 2  # drawn, and as plain text
        assert not Wording.objects.exists()

    def test_it_is_kept_and_on_record_and_another_center_has_its_own(self, manager, clinic):
        assert save(manager).status_code == 302
        row = Wording.objects.get()
        assert (row.center, row.subject, row.version) == (clinic.center, OWN["subject"], 1)
        event = Event.objects.get(verb="edit-wording")
        assert event.after["subject"] == OWN["subject"]
        assert event.before["subject"] == ""
        assert "Own words" in manager.get("/wording/").content.decode()
        other = make.make_center()
        assert wording.of(other, "booked", "en").subject == ""

    def test_back_to_the_standard_text(self, manager, clinic):
        save(manager)
        assert save(manager, do="standard", version=1).status_code == 302
        assert wording.of(clinic.center, "booked", "en") == wording.Said(
            closing=wording.standard("booked", "en").closing
        )
        assert Event.objects.get(verb="reset-wording").before["subject"] == OWN["subject"]

    def test_what_says_the_standard_is_kept_as_standard(self, manager):
        usual = wording.standard("booked", "en")
        save(manager, subject=usual.subject, opening="", closing=usual.closing)
        assert Wording.objects.get().subject == Wording.objects.get().closing == ""

    def test_who_read_an_older_text_sees_the_newer_one_first(self, manager):
        save(manager)
        for version in (0, 7):
            page = save(manager, version=version, subject="Mine, {date}")
            assert page.status_code == 409
            assert "Somebody else changed this meanwhile" in said(page)
            assert "Mine, {date}" in said(page)
            assert 'name="version" value="1"' in said(page)
        assert Wording.objects.get().subject == OWN["subject"]
        assert save(manager, version=1, subject="Mine, {date}").status_code == 302

    @pytest.mark.parametrize(
        ("texts", "why"),
        [
            ({"subject": "Visit {treatment}"}, "There is no placeholder {treatment} here"),
            ({"subject": "{first_name.__class__}"}, "There is no placeholder {first_name.__class__} here"),
            ({"closing": "{until}"}, "There is no placeholder {until} here"),
            ({"closing": "50 } off"}, "Braces stand only around a placeholder, such as {date}."),
            ({"subject": "Visit\nBcc: everybody@example.org"}, "The subject is one line."),
            ({"opening": "Your vi\u200bsit"}, "nobody can see"),
            ({"opening": "For your migraine."}, "“migraine” would tell others why she comes"),
            ({"closing": "Eptinezumab takes half an hour."}, "“eptinezumab” would tell others why she comes"),
            ({"subject": "x" * 81}, "longer than 80 letters"),
            ({"closing": "word " * 121}, "longer than 600 letters"),
        ],
    )
    def test_what_may_not_be_said_is_refused_with_why_and_stays_in_the_field(self, manager, texts, why):
        make.make_quarterly(code="for-wording")
        for do in ("save", "preview"):
            page = save(manager, do=do, **texts)
            assert page.status_code == 400
            assert why in said(page)
        assert not Wording.objects.exists()


class TestSent:
    @pytest.fixture
    def small(self, db) -> Small:
        return Small(mail_name="Lakeside Center")

    def words(self, small: Small, kind: str = "booked", language: str = "en", **texts: str) -> None:
        wording.change(
            actor=small.actor, center=small.center, kind=kind, language=language,
            texts={**OWN, **texts}, version=0, now=NOW,
        )  # fmt: skip

    def test_a_mail_has_them_escaped_in_its_html(self, small):
        self.words(small)
        small.book(small.patient(first_name="Ana <img src=x>"))
        send_due(now=make.NOW)
        [sent] = outbox.outbox
        assert sent.subject == "See you Tuesday 24 November at 10:00 am"
        html = str(sent.alternatives[0][0])
        assert "We look forward, Ana <img src=x>." in sent.body
        assert "We look forward, Ana &lt;img src=x&gt;." in html
        assert "Park at &lt;b&gt;gate 4&lt;/b&gt;." in html
        assert "<img" not in html
        assert html.count("<p>Bring a friend.</p>") == 1

    def test_each_language_has_its_own(self, small):
        self.words(small)
        small.book(small.patient(language="es"))
        send_due(now=make.NOW)
        [sent] = outbox.outbox
        assert sent.subject.startswith("Su visita")
        assert "Traiga un documento" in sent.body

    @pytest.mark.parametrize("name", ["Ana\nBcc: all@example.org", "Ana\r\n\r\n<script>", "{phone}", "{0.__class__}"])
    def test_her_name_adds_no_header_and_is_never_a_placeholder(self, small, name):
        self.words(small, subject="{first_name}: {date}")
        small.book(small.patient(first_name=name))
        send_due(now=make.NOW)
        [sent] = outbox.outbox
        message = sent.message()
        assert message["Bcc"] is None
        assert message["Subject"] == f"{' '.join(name.split())}: Tuesday 24 November"
        assert "212 555" not in message["Subject"]

    def test_an_offer_has_its_own_words_and_its_end(self, small):
        self.words(small, kind="offer", subject="Free: {date}, {time}", opening="Until {until}.")
        center = small.center
        made = sample.written(
            center=center, kind="offer", language="en", said=wording.of(center, "offer", "en"), now=NOW
        )
        assert re.fullmatch(r"Free: \w+day \d+ \w+, 10:00 am", made.subject)
        assert re.search(r"Until \d+:\d\d [ap]m\.", made.body)

    def test_where_nothing_is_booked_any_more_the_standard_is_said(self, small):
        self.words(small, kind="overview")
        entry = LedgerEntry(center=small.center, patient=small.patient(), kind="overview", due=NOW)
        sent = mail.compose(entry, address="ana@example.org", appointments=[])
        assert sent.subject == "Your visits are no longer booked"
        assert "{" not in sent.body


def test_of_two_who_word_it_first_at_once_one_has_it(committed_db):
    small = Small()

    def change() -> object:
        try:
            return wording.change(
                actor=small.actor, center=small.center, kind="booked", language="en", texts=OWN, version=0, now=NOW
            )
        except Stale as stale:
            return stale

    found = together([change, change, change])
    assert sum(isinstance(each, Stale) for each in found) == 2
    assert Wording.objects.get().version == 1
