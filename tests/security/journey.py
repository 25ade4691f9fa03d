"""What a week brings, through real processes, with a planted value in every field: bookings by web and API, a course,
mails that leave and one that doesn't, answers by link, searches, refusals, a forgotten password, and failures."""

from __future__ import annotations

import http.cookiejar
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email.message import Message
from typing import Any
from urllib.parse import quote, urlencode

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.utils import timezone

from scheduler.domain.permissions import MANAGER, Actor
from scheduler.models import AccountMail, LedgerEntry, Link, Patient
from scheduler.services import api_keys, links
from tests import factories as make
from tests.security.markers import Marker, birth_dates, number, word
from tests.support.processes import CeleryWorker, WebServer
from tests.support.smtp import SmtpServer
from tests.support.texts import TextServer
from tests.support.waiting import wait_for

PATIENTS = 24
TEXTED = (8, 10, 12, 14)  # of those that the API registers; the last one's number takes no texts
TOKEN = re.compile(r"/v/([^/\s\"<>]+)/")
RESET = re.compile(r"(/reset/\S+)")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        return None


@dataclass
class Visitor:
    """A browser or a program; `seen` are the addresses it asked and the pages it got, headers too."""

    url: str
    key: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)
    cookies: http.cookiejar.CookieJar = field(default_factory=http.cookiejar.CookieJar)

    def __call__(self, method: str, path: str, data: Any = None, expect: tuple[int, ...] = ()) -> tuple[int, str]:
        headers = {"X-CSRFToken": next((each.value or "" for each in self.cookies if each.name == "csrftoken"), "")}
        body = None
        if self.key:
            headers |= {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            body = json.dumps(data).encode() if data is not None else None
        elif data is not None:
            body = urlencode(data).encode()
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies), _Stay)
        status, sent_on, text = self._open(opener, request)
        self.seen.append((path, "".join(f"{name}: {value}\n" for name, value in sent_on.items()) + text))
        assert not expect or status in expect, f"{method} {path}: {status} {text[:3000]}"
        return status, text

    def _open(self, opener: urllib.request.OpenerDirector, request: urllib.request.Request) -> tuple[int, Message, str]:
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers, refused.read().decode()

    def get(self, path: str, *expect: int) -> str:
        return self("GET", path, None, expect)[1]

    def post(self, path: str, data: Any, *expect: int) -> str:
        return self("POST", path, data, expect)[1]


class Journey:
    """`markers` grows on the way: tokens and keys are known only once they are made."""

    def __init__(self, web: WebServer, worker: CeleryWorker, smtp: SmtpServer, texts: TextServer) -> None:
        self.web, self.worker, self.smtp, self.texts = web, worker, smtp, texts
        self.markers: list[Marker] = []
        self.now = timezone.now()
        self.center = make.make_center(time_zone="UTC", reminder_days=[1], mails_a_minute=10_000)
        self.unit = make.make_night_suite(self.center, nurses=40, patients=80, acuity=400)
        self.chairs = [make.make_chair(self.unit) for _ in range(PATIENTS)]
        self.visit = make.make_rescue(**self._treatment("visit"))
        self.quarterly = make.make_quarterly(**self._treatment("course"))
        self.people = [self._facts(day) for _, day in zip(range(PATIENTS), birth_dates(), strict=False)]
        self.ids: list[int] = []
        self.password = self.plant("password", f"{word()} {word()} 7")
        self.user = make.make_user(
            self.center, MANAGER, email=f"{word().lower()}@example.org", first_name="Mara",
            last_login=self.now - timedelta(days=1),
        )  # fmt: skip
        hasher = PBKDF2PasswordHasher()
        self.user.password = hasher.encode(self.password, hasher.salt(), 10_000)
        self.user.save()
        key = api_keys.issue(
            actor=Actor.job("test"), name="EHR", center_code=self.center.code, role=MANAGER, now=self.now
        )
        self.program = Visitor(web.url, self.plant("API key", key))
        self.desk = Visitor(web.url)
        self.phone = Visitor(web.url)
        self.passer_by = Visitor(web.url)

    @property
    def visitors(self) -> list[Visitor]:
        return [self.program, self.desk, self.phone, self.passer_by]

    def plant(self, kind: str, value: str) -> str:
        self.markers.append(Marker(kind, value))
        return value

    def _treatment(self, code: str) -> dict[str, str]:
        return {
            "code": self.plant("protocol", f"{word()}-{code}".lower()),
            "name": self.plant("protocol", word()),
            "short_name": self.plant("drug", word()),
            "abbreviation": self.plant("drug", word()[:6]),
            "substance": self.plant("drug", word().lower()),
        }

    def _facts(self, born: date) -> dict[str, str]:
        return {
            "first_name": self.plant("first name", word("é")),
            "last_name": self.plant("last name", word("ø")),
            "mrn": self.plant("MRN", number()),
            "birth_date": self.plant("birth date", born.isoformat()),
            "email": self.plant("e-mail", f"{word().lower()}@example.org"),
            "phone": self.plant("phone", number()),
            "desk_notes": self.plant("note", word()),
            "allergies": self.plant("note", word()),
        }

    # --- the steps ------------------------------------------------------------------------------------------------

    def walk(self) -> None:
        self.signs_in()
        self.registers()
        self.books()
        self.mails_leave()
        self.patients_answer()
        self.is_refused()
        self.forgets_her_password()
        self.things_fail()

    def signs_in(self) -> None:
        typed = self.plant("typed name", word())  # perhaps her password, in the wrong field
        self.desk.get("/sign-in/", 200)
        self.desk.post("/sign-in/", {"username": typed, "password": self.plant("password", word())}, 403)
        self.desk.post("/sign-in/", {"username": self.user.username, "password": self.password}, 302)
        self.plant("session", next(each.value or "" for each in self.desk.cookies if each.name == "sessionid"))

    def registers(self) -> None:
        """Half of them by the page, half by the API."""
        for number_of, facts in enumerate(self.people):
            if number_of % 2:
                born = date.fromisoformat(facts["birth_date"])
                form = facts | {"birth_date": f"{born.day} {born.month} {born.year}", "may_be_mailed": "1"}
                self.desk.post("/patients/new/", form, 302)
                self.ids.append(Patient.objects.latest("pk").pk)
            else:
                contact = {"email": facts["email"], "phone": facts["phone"], "may_be_mailed": True}
                if number_of in TEXTED:
                    contact |= {"phone": f"+{facts['phone']}", "channel": "text"}
                body = {name: value for name, value in facts.items() if name not in contact}
                self.ids.append(
                    json.loads(self.program.post("/api/v1/patients/", body | {"contacts": [contact]}, 201))["id"]
                )
        for facts, pk in zip(self.people, self.ids, strict=True):
            self.desk.post("/patients/", {"q": facts["last_name"]}, 302)
            self.desk.get(f"/patients/{pk}/", 200)
            self.program.post("/api/v1/patients/search/", {"query": facts["mrn"]}, 200)

    def at(self, days: int, hour: int = 10) -> datetime:
        return self.now.replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(days=days)

    def books(self) -> None:
        """Everybody's visit in two days, the first one's course beside it."""
        for number_of, pk in enumerate(self.ids):
            chair, start = self.chairs[number_of].pk, self.at(2).isoformat(timespec="minutes")
            if number_of % 2:
                form = {"patient": pk, "what": f"protocol:{self.visit.pk}", "slot": f"{chair}@{start}"}
                self.desk.post("/book/", form, 302)
            else:
                body = {"patient": pk, "chair": chair, "start": start, "protocol": self.visit.pk}
                self.program.post("/api/v1/appointments/", body, 201)
        course = {"patient": self.ids[0], "protocol": self.quarterly.code, "unit": self.unit.pk}
        self.program.post("/api/v1/courses/", course | {"start": self.at(9).isoformat(), "doses": 2}, 201)
        self.worker.send("scheduler.place_visits")
        self.desk.get(f"/board/{self.unit.code}/{self.at(2).date()}/", 200)
        self.desk.get("/worklist/", 200)

    def mails_leave(self) -> None:
        """What was booked, then reminders; the last patient's mailbox doesn't exist."""
        self.smtp.refused = {self.people[-1]["email"]}
        self.texts.refused = {f"+{self.people[TEXTED[-1]]['phone']}": "21211"}
        self._sent("booked")
        LedgerEntry.objects.filter(kind="reminder", appointment__start=self.at(2)).update(due=self.now)
        self._sent("reminder")
        assert not LedgerEntry.objects.filter(patient_id=self.ids[-1], state="sent").exists()
        for message in self.smtp.messages:
            for token in dict.fromkeys(TOKEN.findall(message.get_body(("plain",)).get_content())):  # type: ignore[union-attr]
                self.plant("token", token)
        for text in self.texts.tries:
            for token in TOKEN.findall(text["text"]):
                self.plant("token", token)

    def _sent(self, kind: str) -> None:
        self._done(
            "scheduler.send_reminders",
            lambda: not LedgerEntry.objects.filter(kind=kind, state__in=["due", "claimed"], due__lte=self.now).exists(),
        )

    def _done(self, task: str, condition: Callable[[], bool]) -> None:
        self.worker.send(task)
        self.worker.wait_until(condition, 60)

    def patients_answer(self) -> None:
        for purpose in Link.Purpose.values:
            for token in [each for each in self._tokens() if self._purpose(each) == purpose][:4]:
                self.phone.get(f"/v/{token}/", 200)
                self.phone.post(f"/v/{token}/", {"note": self.people[3]["last_name"], "do": "stop"}, 302, 409)
        self.phone.get(f"/v/{self._tokens()[0].translate(str.maketrans('bc', 'cb'))}/", 404)
        self.phone.get(f"/v/{self._tokens()[0]}/?name={quote(self.people[0]['last_name'])}", 200)

    def _tokens(self) -> list[str]:
        return [each.value for each in self.markers if each.kind == "token"]

    def _purpose(self, token: str) -> str:
        return links.find(token).purpose

    def is_refused(self) -> None:
        """Values in queries, bodies, paths and headers that somebody typed where they don't belong."""
        facts = self.people[5]
        query = urlencode(facts | {"drug": self.visit.substance, "key": self.program.key})
        self.desk.get(f"/patients/987654321/?{query}", 404)
        self.desk.get(f"/nowhere/{facts['mrn']}/?{query}", 404)
        self.passer_by.get(f"/patients/?{query}", 302)
        self.passer_by.post(f"/patients/?{query}", facts, 403)
        self.program.get(f"/api/v1/patients/987654321/?{query}", 404)
        self.program.post(f"/api/v1/appointments/?{query}", facts, 400)
        self.program.post("/api/v1/patients/", facts | {"birth_date": facts["last_name"]}, 400)
        Visitor(self.web.url, self.plant("API key", f"ick_{word()}{word()}")).get(f"/api/v1/units/?{query}", 401)
        taken = {"patient": self.ids[5], "chair": self.chairs[7].pk, "start": self.at(2).isoformat(), "minutes": 30}
        self.program.post("/api/v1/appointments/", taken | {"note": facts["desk_notes"]}, 400, 409)

    def forgets_her_password(self) -> None:
        self.passer_by.get("/forgot/", 200)
        self.passer_by.post("/forgot/", {"who": self.plant("typed name", word())}, 302)
        self.passer_by.post("/forgot/", {"who": self.user.email}, 302)
        before = len(self.smtp.messages)
        self._done("scheduler.send_reminders", lambda: len(self.smtp.messages) > before)
        link = RESET.search(self.smtp.messages[-1].get_content())
        assert link
        self.plant("token", link[1].rstrip("/").rsplit("/", 1)[1])
        new = self.plant("password", f"{word()} {word()} 8")
        self.passer_by.get(link[1], 302)
        self.passer_by.post("/reset/", {"new_password": new, "new_password_again": new}, 302)
        self._done(
            "scheduler.send_reminders", lambda: not AccountMail.objects.filter(state__in=["due", "claimed"]).exists()
        )
        self.desk.get("/sign-in/", 200)
        self.desk.post("/sign-in/", {"username": self.user.username, "password": new}, 302)
        self.plant("session", next(each.value or "" for each in self.desk.cookies if each.name == "sessionid"))

    def things_fail(self) -> None:
        """Tables are gone: pages, calls and jobs fail halfway, with everybody's values in their hands."""
        facts = self.people[7] | {"mrn": self.plant("MRN", number())}
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE scheduler_registration RENAME COLUMN mrn TO was_mrn")
            cursor.execute("ALTER TABLE scheduler_link RENAME COLUMN token_hash TO was_hash")
        self.desk.post("/patients/", {"q": facts["last_name"]}, 500)
        self.desk.get(f"/patients/{self.ids[7]}/", 500)
        body = {name: facts[name] for name in ("mrn", "first_name", "last_name", "birth_date")}
        self.program.post("/api/v1/patients/", body, 500, 503)
        self.phone.get(f"/v/{self._tokens()[1]}/", 500, 503)
        LedgerEntry.objects.filter(kind="reminder", state="sent").update(state="due", due=self.now)
        self.worker.send("scheduler.send_reminders")
        wait_for(lambda: "ProgrammingError" in self.worker.output() or "OperationalError" in self.worker.output(), 60)
