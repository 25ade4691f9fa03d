"""A key that is sent ten times at once books once, and everybody hears the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from scheduler.models import Appointment, IdempotencyKey
from tests.races.crowd import Answer, Caller, all_at_once, latencies, statuses
from tests.races.site import CHAIRS, Site
from tests.support.waiting import wait_for

REPLAYS = 10
HOURS = 9  # starts a day, one an hour


def test_a_key_replayed_at_once_is_one_booking_and_the_same_bytes(
    site: Site, rounds: Callable[[int, int], int], note: Callable[[str], None]
) -> None:
    keys = rounds(20, 1000)
    patients = site.patients(CHAIRS)
    bodies = {}
    for number in range(keys):
        turn, chair = divmod(number, CHAIRS)
        day, hour = divmod(turn, HOURS)
        bodies[f"key-{number}"] = site.body(patients[chair], chair, site.at(day, 8 + hour))
    callers = [site.caller(number) for number in range(REPLAYS)]
    heard: dict[str, list[bytes]] = {key: [] for key in bodies}

    def run(caller: Caller) -> None:
        for key, body in bodies.items():
            heard[key].append(wait_for(partial(_answered, caller, key, body), 30).raw)

    all_at_once([partial(run, caller) for caller in callers])
    assert Appointment.objects.count() == keys
    assert IdempotencyKey.objects.count() == keys
    for key, said in heard.items():
        assert len(said) == REPLAYS
        assert len(set(said)) == 1, key
    answers = [answer for caller in callers for answer in caller.answers]
    note(
        f"{keys} keys, each sent {REPLAYS} times at once: {keys} bookings, the same bytes to all; "
        f"{statuses(answers)[409]} were told that the first is still being answered; {latencies(answers)}"
    )


def _answered(caller: Caller, key: str, body: dict[str, object]) -> Answer | None:
    """The booking; None where the same request is still being answered (409), as the contract has it: ask again."""
    answer = caller.post("appointments/", body, Idempotency_Key=key)
    if answer.status == 409:
        assert answer.body["code"] == "idempotency_key_in_flight", answer.body
        return None
    assert answer.status == 201, answer.raw
    return answer
