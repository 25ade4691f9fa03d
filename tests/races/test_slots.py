"""Everybody wants the same places at once, by every way there is to get one."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

from scheduler.domain.permissions import MANAGER
from scheduler.models import Appointment, Occupancy
from tests import factories as make
from tests.races.crowd import Answer, all_at_once, latencies, statuses
from tests.races.site import CHAIRS, Site, overlaps, text

CLIENTS = 50
PARKED = 45  # so many weekdays ahead, nobody wants anything: that is where those wait who will move
EARLIER = (timedelta(0), timedelta(minutes=5), timedelta(minutes=15))
LENGTHS = (45, 60, 90, 120)


class Client:
    """One of the crowd: a patient of hers, a connection, and a visit that is parked and may be moved."""

    def __init__(self, site: Site, number: int, *, role: str = MANAGER) -> None:
        self.site, self.number = site, number
        self.dice = random.Random(number)
        self.call = site.caller(number, role=role)
        [self.patient] = site.patients(1)
        # Twenty of them share a minute, each on a chair of her own.
        self.parking = (
            site.at(PARKED + day, hour, 20 * (number // CHAIRS)) for day in count() for hour in range(8, 17)
        )
        self.parked: int | None = None
        self.mine: list[dict[str, Any]] = []
        self.wanted: list[Answer] = []

    def want(self, chair: int, start: datetime, minutes: int) -> Answer:
        """One attempt by one of the ways."""
        way = self.dice.choices((self.book, self.hold, self.move, self.course), (60, 20, 15, 5))[0]
        answer = way(chair, start, minutes)
        self.wanted.append(answer)
        return answer

    def book(self, chair: int, start: datetime, minutes: int) -> Answer:
        return self._kept(self.site.book(self.call, self.patient, chair, start, minutes))

    def hold(self, chair: int, start: datetime, minutes: int) -> Answer:
        held = self.call.post("appointments/", self.site.body(self.patient, chair, start, minutes) | {"hold": True})
        if not held.ok:
            return held
        return self._kept(self.call.post("appointments/", {"hold": held.body["id"], "patient": self.patient.pk}))

    def move(self, chair: int, start: datetime, minutes: int) -> Answer:
        if self.parked is None:
            kept = self.site.book(self.call, self.patient, self.number % CHAIRS, next(self.parking), 20)
            assert kept.ok or _busy(kept), kept.raw  # nobody else wants that place
            if not kept.ok:
                return kept
            self.parked = kept.body["id"]
        there = {"chair": self.site.chairs[chair].pk, "start": text(start)}  # it keeps its 20 minutes
        answer = self._kept(self.call.post(f"appointments/{self.parked}/move/", there))
        if answer.ok:
            self.parked = None
        return answer

    def course(self, chair: int, start: datetime, minutes: int) -> Answer:
        """A course of one visit, confirmed with its place."""
        body = {
            "patient": self.patient.pk, "protocol": "rescue-standard", "unit": self.site.unit.code,
            "start": text(start), "doses": 1,
            "placements": [{"ordinal": 1, "chair": self.site.chairs[chair].pk, "start": text(start)}],
        }  # fmt: skip
        return self.call.post("courses/", body)

    def cancel(self) -> None:
        if self.mine:
            self.call.post(f"appointments/{self.mine.pop()['id']}/cancel/", {"reason": "Another day."})

    def come_back(self) -> None:
        """Cancel, and try to have the place back that others wait for."""
        if self.mine:
            there = f"appointments/{self.mine.pop()['id']}/"
            if self.call.post(f"{there}cancel/", {"reason": "Oops."}).ok:
                self._kept(self.call.post(f"{there}reopen/"))

    def swap(self) -> None:
        """Two visits of hers change places; of others' she doesn't know."""
        if len(self.mine) > 1:
            one, other = self.dice.sample(self.mine, 2)
            self.call.post(f"appointments/{one['id']}/swap/", {"appointment": other["id"]})

    def close(self, chair: int, start: datetime) -> None:
        """A chair is out of order for an hour, and in order again."""
        body = {"chair": self.site.chairs[chair].pk, "start": text(start), "end": text(start + timedelta(hours=1))}
        made = self.call.post("closures/", body | {"reason": "Broken."})
        if made.ok:
            self.call("DELETE", f"closures/{made.body['id']}/")

    def _kept(self, answer: Answer) -> Answer:
        if answer.ok:
            self.mine.append(answer.body)
        return answer


def crowd(site: Site) -> list[Client]:
    make.make_rescue()
    return [Client(site, number) for number in range(CLIENTS)]


def answers_of(clients: list[Client]) -> list[Answer]:
    return [answer for client in clients for answer in client.call.answers]


def check(clients: list[Client]) -> None:
    """What must hold whatever was asked: no place twice, and every answer a booking or a refusal in words. Who did not
    get the locks in time is told 503 `busy`, as documented; how many were is noted."""
    assert overlaps("chair") == 0
    assert overlaps("patient") == 0
    said = statuses(answers_of(clients))
    strange = [answer.raw for answer in answers_of(clients) if not _documented(answer)]
    assert not strange, (said, strange[:3])


def _documented(answer: Answer) -> bool:
    return answer.status in (200, 201, 204, 409) or _busy(answer)


def _busy(answer: Answer) -> bool:
    return answer.status == 503 and answer.body["code"] == "busy"


def _refusals(answers: list[Answer]) -> str:
    return f"0 overlaps, 0 answers of 500, {sum(map(_busy, answers))} of 503 (busy)"


def test_of_all_who_want_one_place_at_once_one_has_it(
    site: Site, rounds: Callable[[int, int], int], note: Callable[[str], None]
) -> None:
    """Every interval that is asked for has the slot's own moment in it: two never fit. Only the days differ."""
    days, chairs = rounds(1, 10), rounds(3, CHAIRS)
    slots = [(chair, site.at(day, hour)) for day in range(days) for hour in (10, 15) for chair in range(chairs)]
    clients = crowd(site)

    def run(client: Client) -> None:
        for chair, moment in slots:
            minutes = client.dice.choice(LENGTHS)
            client.want(chair, moment - client.dice.choice(EARLIER), minutes)

    all_at_once([partial(run, client) for client in clients])
    check(clients)
    wanted = [answer for client in clients for answer in client.wanted]
    assert len(wanted) == len(slots) * CLIENTS
    for chair, moment in slots:
        booked = Occupancy.objects.filter(
            chair=site.chairs[chair], chair_from__lte=moment, chair_until__gt=moment, appointment__status="booked"
        )
        assert booked.count() == 1, (chair, moment)
    assert sum(answer.ok for answer in wanted) == len(slots)
    note(
        f"{len(wanted)} attempts by {CLIENTS} clients through {len(site.ports)} web processes on {len(slots)} slots: "
        f"{len(slots)} winners, one each; {_refusals(answers_of(clients))}; {latencies(wanted)}"
    )


def test_places_that_come_and_go_are_never_taken_twice(
    site: Site, rounds: Callable[[int, int], int], note: Callable[[str], None]
) -> None:
    """The same crowd where places are given back, had back, moved and closed all the time."""
    clients = crowd(site)
    attempts = rounds(5, 120)

    def run(client: Client) -> None:
        for _ in range(attempts):
            chair, moment = client.dice.randrange(4), site.at(client.dice.randrange(2), client.dice.randrange(9, 16))
            client.want(chair, moment - client.dice.choice(EARLIER), client.dice.choice(LENGTHS))
            after = client.dice.random()
            if after < 0.25:
                client.cancel()
            elif after < 0.4:
                client.come_back()
            elif after < 0.5:
                client.swap()
            elif after < 0.55:
                client.close(chair, moment)

    all_at_once([partial(run, client) for client in clients])
    check(clients)
    said = answers_of(clients)
    booked = Appointment.objects.filter(status="booked").count()
    assert booked
    note(
        f"{len(said)} calls by {CLIENTS} clients (book, hold, move, swap, course, cancel, reopen, close) on "
        f"4 chairs and 2 days: {_refusals(said)}; {booked} booked in the end; {latencies(said)}"
    )
