"""Open pages hear within seconds that their day changed, through a real web server, and never hold it up."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from scheduler.domain.permissions import AUDITOR, NURSE
from scheduler.models import SignIn, UnitDay
from scheduler.web import live
from tests import factories as make
from tests.support import loops
from tests.support.clinic import Clinic
from tests.support.processes import WebServer

DAY = date(2026, 11, 24)
KEY = "day 1 2026-11-24"


def touch(clinic: Clinic) -> None:
    """What every change of the day does."""
    row, _ = UnitDay.objects.get_or_create(unit=clinic.day, date=DAY)
    row.version += 1
    row.save()


def signed_in(clinic: Clinic, role: str = NURSE) -> str:
    client = Client()
    client.force_login(make.make_user(clinic.center, role))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


class Page:
    """An open stream."""

    def __init__(self, server: WebServer, session: str, path: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        self.connection.request("GET", path, headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"})
        self.response = self.connection.getresponse()

    def close(self) -> None:
        self.response.close()
        self.connection.close()

    def until(self, line: bytes) -> list[bytes]:
        """The lines up to that one."""
        lines = []
        while (read := self.response.readline()) and read.strip() != line:
            lines.append(read.strip())
        assert read, f"the stream ended after {lines}"
        return lines


class TestThroughTheServer:
    @pytest.fixture
    def clinic(self, committed_db: None) -> Clinic:
        return Clinic()

    @pytest.fixture
    def path(self, clinic: Clinic) -> str:
        return f"/live/{clinic.day.code}/{DAY.isoformat()}/"

    def test_a_change_is_said_and_nothing_else(self, clinic, path, web_server):
        with closing(Page(web_server(), signed_in(clinic), path)) as page:
            assert page.response.status == 200
            assert page.response.getheader("Content-Type") == "text/event-stream"
            assert page.response.getheader(live.HEADER) is None
            assert page.until(b"retry: 2000") == []
            touch(clinic)
            assert set(page.until(b"data: changed")) <= {b"", b": here", b"event: beat", b"data:"}

    def test_a_change_of_another_day_is_not_said(self, clinic, path, web_server):
        server, session = web_server(), signed_in(clinic)
        other = path.replace("24", "25")
        with closing(Page(server, session, path)) as page, closing(Page(server, session, other)) as quiet:
            touch(clinic)
            page.until(b"data: changed")
            assert b"data: changed" not in quiet.until(b"event: beat")

    def test_after_a_restart_of_the_web_process_a_new_stream_goes_on(self, clinic, path, web_server):
        first, session = web_server(), signed_in(clinic)
        page = Page(first, session, path)
        first.kill()
        with pytest.raises((AssertionError, http.client.HTTPException, OSError)):
            page.until(b"data: changed")
        page.close()
        with closing(Page(web_server(), session, path)) as again:
            touch(clinic)
            again.until(b"data: changed")

    def test_a_process_told_to_stop_does_not_wait_for_open_pages(self, clinic, path, web_server):
        server = web_server()
        with closing(Page(server, signed_in(clinic), path)):
            server.terminate(15)


class TestWhoMay:
    pytestmark = pytest.mark.django_db

    @pytest.fixture
    def clinic(self, db: None) -> Clinic:
        return Clinic()

    def client(self, center: Any, role: str = NURSE) -> Client:
        client = Client()
        client.force_login(make.make_user(center, role))
        return client

    def test_another_centers_unit_is_not_there(self, clinic):
        path = f"/live/{clinic.day.code}/2026-11-24/"
        assert self.client(clinic.center).get(path).status_code == 200
        assert self.client(make.make_center()).get(path).status_code == 404

    def test_it_needs_the_right_to_see_the_schedule(self, clinic):
        assert self.client(clinic.center, AUDITOR).get(f"/live/{clinic.day.code}/2026-11-24/").status_code == 403

    @pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
    def test_a_day_that_no_calendar_here_has_is_not_there(self, clinic, day):
        assert self.client(clinic.center).get(f"/live/{clinic.day.code}/{day}/").status_code == 404

    def test_a_stream_is_no_sign_of_anybody_being_there(self, clinic):
        client = self.client(clinic.center)
        client.get("/session/")
        seen = timezone.now() - timedelta(minutes=5)
        SignIn.objects.update(last_seen_at=seen)
        client.get(f"/live/{clinic.day.code}/2026-11-24/")
        assert SignIn.objects.get().last_seen_at == seen


class Ear:
    """Both ends of a stream, without a server."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            self.heard.append(message["body"])


async def begun(scope: Any, receive: Any, send: Any) -> None:
    said = (live.HEADER.lower().encode(), b"day 1 2026-11-24 7")
    await send({"type": "http.response.start", "status": 200, "headers": [said, (b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class TestStream:
    @pytest.fixture(autouse=True)
    def _fast(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(live, "ASKED_EVERY", 0.01)
        monkeypatch.setattr(live, "BEAT_EVERY", 0.02)
        monkeypatch.setattr(live, "LASTS", 0.5)

    def run(self, read: Callable[[Any], live.Versions]) -> list[bytes]:
        """What a page hears until its stream ends."""

        async def whole() -> list[bytes]:
            ear = Ear()
            await live.Live(begun, live.Poller(read))({"type": "http", "method": "GET"}, ear.receive, ear.send)
            return ear.heard

        return loops.run(whole())

    def test_without_a_change_it_beats_and_ends_after_a_while_to_be_opened_again(self):
        heard = self.run(lambda watched: {KEY: 7})
        assert live.BEAT in heard
        assert live.CHANGED not in heard
        assert heard[-1] == b""

    def test_what_changed_while_it_was_being_opened_is_said_once(self):
        assert self.run(lambda watched: {KEY: 8}).count(live.CHANGED) == 1

    def test_it_ends_when_the_database_cannot_be_asked_so_that_the_page_says_so(self):
        def broken(watched: Any) -> live.Versions:
            raise DatabaseError

        assert self.run(broken)[-1] == b""
        assert live.CHANGED not in self.run(broken)

    def test_a_database_that_hangs_is_no_quiet_day(self, monkeypatch):
        monkeypatch.setattr(live, "FRESH", 0.0)
        assert live.BEAT not in self.run(lambda watched: {KEY: 7})

    def test_many_pages_ask_the_database_as_often_as_one(self, monkeypatch):
        monkeypatch.setattr(live, "LASTS", 60.0)
        asked: list[int] = []

        def read(watched: Any) -> live.Versions:
            asked.append(len(set(watched)))
            return {KEY: 7 + len(asked)}

        async def many() -> list[Ear]:
            ears = [Ear() for _ in range(98)]
            application = live.Live(begun, live.Poller(read))
            asking = {"type": "http", "method": "GET"}
            pages = [asyncio.ensure_future(application(asking, ear.receive, ear.send)) for ear in ears]
            while not all(live.CHANGED in ear.heard for ear in ears):
                await asyncio.sleep(0.01)
            for ear in ears:
                ear.gone.set()
            await asyncio.gather(*pages)
            return ears

        assert all(live.CHANGED in ear.heard for ear in loops.run(many()))
        assert set(asked) == {1}
        assert len(asked) < 98

    def test_who_goes_away_leaves_nothing_behind(self):
        async def leave() -> live.Poller:
            ear, poller = Ear(), live.Poller(lambda watched: {})
            ear.gone.set()
            await live.Live(begun, poller)({"type": "http", "method": "GET"}, ear.receive, ear.send)
            return poller

        assert not loops.run(leave())._streams

    def test_an_answer_that_is_no_stream_passes_as_it_is(self):
        async def refused(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b"no", "more_body": False})

        async def ask() -> list[bytes]:
            ear = Ear()
            await live.Live(refused)({"type": "http", "method": "GET"}, ear.receive, ear.send)
            return ear.heard

        assert loops.run(ask()) == [b"no"]
