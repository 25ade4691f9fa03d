"""Two people change the same booking at the same moment: one is done, the other learns it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from scheduler.models import Appointment
from tests.races.crowd import all_at_once, latencies
from tests.races.site import CHAIRS, Site, overlaps, text


def test_of_two_edits_at_once_one_is_done_and_the_other_learns_it(
    site: Site, rounds: Callable[[int, int], int], note: Callable[[str], None]
) -> None:
    pairs = rounds(20, 1000)
    patients = site.patients(CHAIRS)
    setup, first, second = (site.caller(number) for number in range(3))
    learnt = {409: 0, 412: 0}
    for number in range(pairs):
        chair, start = number % CHAIRS, site.at(number // CHAIRS // 4, 8 + number // CHAIRS % 4 * 2)
        booked = site.book(setup, patients[chair], chair, start)
        assert booked.status == 201, booked.raw
        at, read = f"appointments/{booked.body['id']}/", {"If_Match": booked.etag}
        later = [start + timedelta(minutes=minutes) for minutes in (30, 45)]
        edits: list[Callable[[], Any]] = [
            partial(first.post, f"{at}move/", {"start": text(later[0])}, **read),
            partial(second.post, f"{at}move/", {"start": text(later[1])}, **read)
            if number % 2
            else partial(second.post, f"{at}cancel/", {"reason": "Ill."}, **read),
        ]
        all_at_once(edits)
        answers = [caller.answers[-1] for caller in (first, second)]
        [won] = [each for each in answers if each.ok]
        [lost] = [each for each in answers if not each.ok]
        assert lost.status in learnt, lost.raw
        learnt[lost.status] += 1
        _is_what_the_winner_said(won.body)
    assert overlaps("chair") == 0
    answers = [*first.answers, *second.answers]
    note(
        f"{pairs} pairs of edits with the same If-Match: {pairs} done, {learnt[412]} told 412 and {learnt[409]} 409, "
        f"none lost; {latencies(answers)}"
    )


def _is_what_the_winner_said(said: dict[str, Any]) -> None:
    row = Appointment.objects.get(pk=said["id"])
    assert (row.status, row.version) == (said["status"], said["version"])
