"""Texts from the ledger, to a real provider over a real socket."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail as outbox

from scheduler.domain import segments
from scheduler.models import Center, Contact, Event, LedgerEntry, Link
from scheduler.services import sending, texting
from scheduler.services.claiming import LEASE
from tests.factories import NOW, utc
from tests.services.test_sending import MARKERS
from tests.support import texts
from tests.support.clinic import Clinic, entries, place, run, seconds

pytestmark = pytest.mark.django_db

DAY_BEFORE = utc("2026-11-23T10:00-05:00")


@pytest.fixture
def provider(settings, monkeypatch):
    server = texts.TextServer()
    server.start()
    monkeypatch.setenv(texts.WHERE, str(server.port))
    settings.SMS_BACKEND = texts.BACKEND
    yield server
    server.stop()


@pytest.fixture
def clinic(provider):
    return Clinic(mail_name="Lakeside Center")


def texted(clinic: Clinic, phone: str = "(212) 555-0142", **values):
    """A patient who wants texts."""
    patient = clinic.patient(phone=phone, **values)
    Contact.objects.filter(patient=patient).update(channel="text")
    return patient


class TestText:
    def test_says_when_where_how_to_answer_and_whom_to_call(self, clinic, provider):
        clinic.book(texted(clinic))
        assert run("send-reminders") == {"sent": 1}
        [sent] = provider.texts
        assert sent["to"] == "+12125550142"
        assert re.fullmatch(
            r"Lakeside Center: Your visit is booked: Tue 24 Nov, 10:00 am\. 1 Lake Street\. "
            r"Answer: http://\S+/v/[a-z]{64}/ Call 212 555 0100",
            sent["text"],
        )
        assert outbox.outbox == []
        assert LedgerEntry.objects.get(kind="booked").message_id == "SM1"

    @pytest.mark.parametrize("language", ["en", "es"])
    @pytest.mark.parametrize("what", ["booked", "moved", "cancelled", "reminder", "stay", "course", "off"])
    def test_takes_two_segments_and_tells_nobody_who_or_why(self, clinic, provider, what, language):
        clinic.center.mail_name = "Centro médico de la Ribera, São Sebastião"
        clinic.center.address = "1200 Avenida de los Héroes de la Independencia, Suite 1400, Ciudad Juárez"
        clinic.center.save()
        patient = texted(clinic, language=language)
        Contact.objects.update(language=language)
        if what in ("stay", "off"):
            place(clinic.stay(patient))
        elif what == "course":
            place(clinic.quarterly_course(patient, doses=4))
        else:
            booked = clinic.book(patient)
        texting.send_due(now=NOW + seconds(60))
        if what == "moved":
            clinic.move(booked, "2026-11-25T10:00-05:00")
        if what == "cancelled":
            clinic.cancel(booked)
        if what == "off":
            for row in patient.appointments.all():
                clinic.cancel(row)
        texting.send_due(now=DAY_BEFORE if what == "reminder" else NOW + timedelta(minutes=3))
        assert len(provider.texts) == (1 if what in ("booked", "stay", "course") else 2)
        for sent in provider.texts:
            assert segments.segments(sent["text"]) <= 2
            assert "212 555 0100" in sent["text"]
            assert sent["text"].count("/v/") == 1
            said = sent["text"].lower()
            assert not [word for word in (*MARKERS, "ana", "rivera") if word.lower() in re.sub(r"/v/\w+", "", said)]
        if language == "es":
            assert "visita" in provider.texts[-1]["text"]

    def test_many_visits_are_listed_as_far_as_there_is_room(self, clinic, provider):
        place(clinic.stay(texted(clinic), days=3))
        texting.send_due(now=NOW + seconds(60))
        assert "Sat 28 Nov, 5:00 pm; " in provider.texts[0]["text"]
        assert re.search(r"; and \d more\.", provider.texts[0]["text"])

    @pytest.mark.parametrize("name", ["Κέντρο Λίμνης", "湖畔中心"])
    def test_a_name_in_another_script_makes_room_for_time_and_link(self, clinic, provider, name):
        clinic.center.mail_name = name
        clinic.center.save()
        clinic.book(texted(clinic))
        texting.send_due(now=NOW)
        [sent] = provider.texts
        assert segments.segments(sent["text"]) <= 2
        assert "Tue 24 Nov, 10:00 am" in sent["text"]
        assert "/v/" in sent["text"]

    MOST = Center._meta.get_field("mail_name").max_length

    @pytest.mark.parametrize("times", [1, 12])
    def test_no_name_or_phone_makes_it_longer_or_breaks_a_line(self, clinic, provider, times):
        clinic.center.mail_name, clinic.center.phone = ("Lake\r\nSide " * times)[: self.MOST], "5" * 40
        clinic.center.save()
        clinic.book(texted(clinic))
        texting.send_due(now=NOW)
        assert segments.segments(provider.texts[0]["text"]) <= 2
        assert "\n" not in provider.texts[0]["text"]


class TestLedger:
    def test_a_number_that_does_not_exist_is_a_call_and_is_not_tried_again(self, clinic, provider):
        provider.refused["+12125550142"] = "21211"
        clinic.book(texted(clinic))
        clinic.book(texted(clinic, "212 555 0143"), chair=1)
        assert texting.send_due(now=NOW) == {"failed": 1, "sent": 1}
        assert LedgerEntry.objects.get(state="failed").error == "NoSuchNumber 21211"
        assert entries(channel="call") == [("booked", "call", 0, "due")]
        assert Contact.objects.get(phone="(212) 555-0142").number_failed_at is not None
        assert Event.objects.filter(verb="number-failed").count() == 1
        asked = len(provider.tries)
        assert texting.send_due(now=DAY_BEFORE)["superseded"] == 1
        assert [each["to"] for each in provider.tries[asked:]] == ["+12125550143"]
        assert ("reminder", "call", 1, "due") in entries()

    def test_what_is_no_number_is_not_asked_about(self, clinic, provider):
        clinic.book(texted(clinic, "ask her sister"))
        assert texting.send_due(now=NOW) == {"failed": 1}
        assert provider.tries == []

    def test_her_stop_at_the_provider_is_honoured_as_ours(self, clinic, provider):
        provider.refused["+12125550142"] = "21610"
        clinic.book(texted(clinic))
        texting.send_due(now=NOW)
        assert Contact.objects.get().stopped_at is not None
        assert {channel for _kind, channel, _days, state in entries() if state == "due"} == {"call"}

    def test_a_text_that_is_refused_says_nothing_about_the_number(self, clinic, provider):
        provider.answers.append((400, "30007"))
        clinic.book(texted(clinic))
        assert texting.send_due(now=NOW) == {"failed": 1}
        assert Contact.objects.get().number_failed_at is None
        assert ("booked", "call", 0, "due") in entries()

    @pytest.mark.parametrize("answer", [(400, "30003"), (503, ""), (429, ""), None])
    def test_a_passing_failure_is_tried_again_as_the_same_message(self, clinic, provider, answer):
        provider.answers.append(answer)
        clinic.book(texted(clinic))
        assert texting.send_due(now=NOW) == {"later": 1}
        entry = LedgerEntry.objects.get(kind="booked")
        assert texting.send_due(now=entry.due) == {"sent": 1}
        assert {each["key"] for each in provider.tries} == {texting.stable_id(entry)}

    def test_a_crash_after_sending_repeats_the_one_text_under_its_key(self, clinic, provider):
        clinic.book(texted(clinic))
        texting.send_due(now=NOW)
        LedgerEntry.objects.filter(kind="booked").update(state="claimed", claimed_at=NOW)
        assert texting.send_due(now=NOW + LEASE + seconds(1)) == {"sent": 1}
        assert len(provider.tries) == 2
        assert len(provider.texts) == 1

    def test_a_provider_that_is_down_holds_up_no_mail_and_is_not_asked_for_everybody(self, clinic, provider):
        for hour in range(9, 15):
            clinic.book(texted(clinic, f"212 555 01{hour:02}"), f"2026-11-24T{hour:02}:00-05:00")
        clinic.book(clinic.patient("ana@example.org"), chair=1)
        provider.stop()
        assert run("send-reminders") == {"later": 3, "sent": 1}
        assert len(outbox.outbox) == 1
        provider.start()
        assert texting.send_due(now=NOW + timedelta(minutes=3)) == {"sent": 6}

    def test_a_provider_that_stalls_is_left_within_its_timeout(self, clinic, provider):
        provider.hang()
        clinic.book(texted(clinic))
        assert texting.send_due(now=NOW) == {"later": 1}
        provider.go_on()
        assert texting.send_due(now=NOW + timedelta(minutes=3)) == {"sent": 1}

    def test_a_center_texts_no_more_in_a_minute_than_its_rate(self, provider):
        clinic = Clinic(texts_a_minute=2)
        for hour in range(9, 14):
            clinic.book(texted(clinic, f"212 555 01{hour:02}"), f"2026-11-24T{hour:02}:00-05:00")
        sent = [texting.send_due(now=NOW + seconds(31 * tick)).get("sent", 0) for tick in range(5)]
        assert sent == [2, 0, 2, 0, 1]

    def test_texts_keep_the_quiet_hours_and_never_come_after_the_start(self, provider):
        clinic = Clinic(quiet_from=21 * 60, quiet_until=8 * 60)
        evening = utc("2026-11-23T22:00-05:00")
        clinic.book(texted(clinic), now=evening)
        assert texting.send_due(now=evening) == {"later": 1}
        assert texting.send_due(now=utc("2026-11-24T08:00-05:00")) == {"sent": 1}
        clinic.book(texted(clinic, "212 555 0143"), chair=1, now=utc("2026-11-24T09:59-05:00"))
        assert texting.send_due(now=utc("2026-11-24T10:00-05:00")) == {"missed": 1}
        assert len(provider.texts) == 1

    def test_where_texts_are_switched_off_they_become_calls(self, clinic, provider, settings):
        clinic.book(texted(clinic))
        settings.SMS_BACKEND = ""
        assert texting.send_due(now=NOW) == {"superseded": 1}
        assert ("booked", "call", 0, "due") in entries()
        clinic.book(texted(clinic, "212 555 0143"), chair=1)
        assert entries(kind="booked", channel="text") == [("booked", "text", 0, "superseded")]

    def test_an_offer_goes_by_text_with_its_own_link(self, clinic, provider):
        booked = clinic.book(texted(clinic), "2026-11-30T10:00-05:00")
        waiting = booked.waitlist.create(
            center=clinic.center, patient=booked.patient, earliest=NOW, latest=booked.start, created_at=NOW
        )
        assert run("offer-slots")["offered"] == 1
        run("send-reminders", NOW + seconds(20))
        assert waiting.offers.get().state == "open"
        said = provider.texts[-1]["text"]
        assert said.startswith("Lakeside Center: Earlier time free: ")
        assert "instead of Mon 30 Nov, 10:00 am" in said
        assert [link.purpose for link in Link.objects.filter(entry__kind="offer")] == ["offer"]
        assert segments.segments(said) <= 2

    def test_a_log_line_has_no_number(self, clinic, provider, caplog):
        provider.refused["+12125550142"] = "21211"
        clinic.book(texted(clinic))
        texting.send_due(now=NOW)
        ours = " ".join(record.getMessage() for record in caplog.records if record.name.startswith("scheduler"))
        assert "NoSuchNumber 21211" in ours
        assert "5550142" not in ours.replace("-", "")

    def test_a_mail_that_is_due_when_she_chooses_texts_is_a_text(self, clinic, provider):
        clinic.book(clinic.patient("ana@example.org", phone="212 555 0142"))
        Contact.objects.update(channel="text")  # as another process would, after the mail was claimed
        assert sending.send_due(now=NOW) == {"superseded": 1}
        assert texting.send_due(now=NOW + seconds(1)) == {"sent": 1}
        assert outbox.outbox == []
