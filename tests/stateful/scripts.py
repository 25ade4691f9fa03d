"""Short plays for the machine, one for each planted fault: a few steps after which somebody must have noticed. What
each sees goes through the same oracle and the same promises as random sequences do.

All in New York from Fri 12 Mar 2027, 09:00; the clocks go forward on the Sunday.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.stateful.rules import SOFT
from tests.stateful.test_machine import Schedule

FRIDAY, SATURDAY, SUNDAY, MONDAY = range(4)
PLAIN, DHE = 5, 3  # what is booked: its place in the machine's list of protocols
RECLINER, OTHER_RECLINER, NIGHT_BED = 0, 1, 3
Clock = tuple[str, int, int]


def at(day: int, hour: int, minute: int = 0) -> Clock:
    return ("clock", day, hour * 60 + minute)


def book(
    play: Schedule, how: Clock, *, chair: int = RECLINER, who: int = 0, what: int = PLAIN, hold: bool = False
) -> None:
    """Thirty minutes, or a protocol's; nurses and windows are set aside."""
    play.book_or_hold(
        chair=chair, who=who, what=what, minutes=30, how=how, aside=frozenset() if hold else SOFT, is_hold=hold
    )


def course(play: Schedule, kind: str, **values: Any) -> None:
    play.create(
        **{"kind": kind, "who": 0, "day": FRIDAY, "clock": 600, "by_day": False, "strong": False, "attested": False}
        | {"authorized": None, "placed": "no", "open_ended": False}
        | values
    )


def back_to_back_on_one_chair(play: Schedule) -> None:
    book(play, at(FRIDAY, 10))
    book(play, at(FRIDAY, 10, 30), who=1)


def back_to_back_for_one_patient(play: Schedule) -> None:
    book(play, at(FRIDAY, 10))
    book(play, at(FRIDAY, 10, 30), chair=OTHER_RECLINER)


def one_patient_in_two_chairs(play: Schedule) -> None:
    book(play, at(FRIDAY, 10))
    book(play, at(FRIDAY, 10, 15), chair=OTHER_RECLINER)


def four_doses_within_a_day(play: Schedule) -> None:
    for how in (at(FRIDAY, 12), at(FRIDAY, 19), at(SATURDAY, 2), at(SATURDAY, 9)):
        book(play, how, chair=NIGHT_BED, what=DHE)


def three_hours_after_a_dose_at_home(play: Schedule) -> None:
    play.dose_elsewhere(who=0, ago=0, mg="1", of_visit=False, which=0)
    book(play, at(FRIDAY, 12), chair=NIGHT_BED, what=DHE)


def exactly_seven_hours_later(play: Schedule) -> None:
    book(play, at(FRIDAY, 12), chair=NIGHT_BED, what=DHE)
    book(play, at(FRIDAY, 19), chair=NIGHT_BED, what=DHE)


def a_minute_before_seven_hours(play: Schedule) -> None:
    book(play, at(FRIDAY, 12), chair=NIGHT_BED, what=DHE)
    book(play, at(FRIDAY, 18, 59), chair=NIGHT_BED, what=DHE)


def a_weekly_course(play: Schedule) -> None:
    course(play, "weekly")


def a_booking_in_closed_hours(play: Schedule) -> None:
    play.close_or_open(unit=0, chair=None, day=MONDAY, clock=600, minutes=60, whole_center=False, is_extra=False)
    book(play, at(MONDAY, 10, 15))


def five_in_the_afternoon(play: Schedule) -> None:
    book(play, at(FRIDAY, 17))


def the_evening_of_the_last_authorized_day(play: Schedule) -> None:
    course(play, "weekly", authorized=MONDAY)
    play.book_visit(
        which=9, chair=NIGHT_BED, how=at(MONDAY, 23), late=None, aside=frozenset({"window_is_kept"}), is_hold=False,
        is_desk=False,
    )  # fmt: skip


def a_booking_on_monday(play: Schedule) -> None:
    book(play, at(MONDAY, 14))


def doses_over_the_night_of_the_clocks(play: Schedule) -> None:
    course(play, "dhe", day=SATURDAY, clock=20 * 60)


def a_stay_as_proposed(play: Schedule) -> None:
    course(play, "dhe", clock=12 * 60, placed="as proposed")


def a_visit_is_cancelled(play: Schedule) -> None:
    course(play, "weekly", placed="as proposed")
    play.cancel(which=0)


def a_booking_on_monday_moves(play: Schedule) -> None:
    a_booking_on_monday(play)
    play.move(which=0, chair=0, how=at(MONDAY, 11), aside=SOFT, keeps="chair")


def a_dose_is_given_days_before_it_was_due(play: Schedule) -> None:
    course(play, "weekly", placed="as proposed")
    play.complete(which=1, ago=4 * 24 * 60, outcome="given")


def a_held_place_is_wanted_after_six_minutes(play: Schedule) -> None:
    book(play, at(FRIDAY, 10), hold=True)
    play.time_passes(minutes=6)
    book(play, at(FRIDAY, 10), who=1)


def a_hold_is_booked_after_six_minutes(play: Schedule) -> None:
    book(play, at(FRIDAY, 10), hold=True)
    play.time_passes(minutes=6)
    play.book_held(which=0, chair=0, who=0, how=at(FRIDAY, 10), stays=True, aside=SOFT)


def two_stays_in_one_bed(play: Schedule) -> None:
    for who in (0, 2):
        course(play, "dhe", who=who, clock=12 * 60, placed="all at once")


def a_booking_is_cancelled(play: Schedule) -> None:
    book(play, at(FRIDAY, 10))
    play.cancel(which=0)


def a_booking_is_confirmed(play: Schedule) -> None:
    book(play, at(FRIDAY, 10))
    play.confirm(which=0)


def a_booking_has_changed_since_it_was_read(play: Schedule) -> None:
    book(play, at(FRIDAY, 10))
    play.cancel_what_has_changed_since(which=0)


Script = Callable[[Schedule], None]
# By mutant: the play, and a pattern of what is said when it is caught.
SCRIPTS: dict[str, tuple[Script, str]] = {
    "a_chair_is_taken_at_its_last_minute": (back_to_back_on_one_chair, "refused for {'chair_is_free'}"),
    "a_patient_is_busy_at_her_last_minute": (back_to_back_for_one_patient, "refused for {'patient_is_free'}"),
    "a_patient_may_be_in_two_places": (one_patient_in_two_chairs, "occupancy_patient_is_free"),
    "a_cap_is_not_counted": (four_doses_within_a_day, "accepted, though it breaks {'rolling_cap_is_kept'}"),
    "doses_taken_elsewhere_do_not_count": (
        three_hours_after_a_dose_at_home,
        "accepted, though it breaks {'interval_is_kept'}",
    ),
    "exactly_the_interval_is_too_short": (exactly_seven_hours_later, "refused for {'interval_is_kept'}"),
    "a_minute_less_than_the_interval_is_enough": (
        a_minute_before_seven_hours,
        "accepted, though it breaks {'interval_is_kept'}",
    ),
    "the_last_day_of_the_window_is_outside": (a_weekly_course, "Visit.* of Course"),
    "a_closure_is_ignored": (a_booking_in_closed_hours, "accepted, though it breaks {'unit_is_open'}"),
    "the_center_is_in_utc": (five_in_the_afternoon, "refused for {'unit_is_open'}"),
    "an_authorization_ends_with_the_utc_day": (
        the_evening_of_the_last_authorized_day,
        "refused for {'authorization_is_valid'}",
    ),
    "reminders_leave_by_utc": (a_booking_on_monday, "leaves at"),
    "eight_hours_by_the_wall_clock": (doses_over_the_night_of_the_clocks, "Visit.* of Course"),
    "months_and_weeks_in_elapsed_time": (a_weekly_course, "Visit.* of Course"),
    "a_stays_chair_is_not_kept": (a_stay_as_proposed, "not there: "),
    "a_cancelled_visit_is_not_put_back": (a_visit_is_cancelled, "what is there and what was expected"),
    "reminders_are_not_superseded": (a_booking_on_monday_moves, "has reminders for"),
    "what_happened_moves_no_due_time": (a_dose_is_given_days_before_it_was_due, "Visit.* of Course"),
    "a_hold_that_ran_out_keeps_its_place": (a_held_place_is_wanted_after_six_minutes, "occupancy_chair_is_free"),
    "a_hold_that_ran_out_can_still_be_booked": (a_hold_is_booked_after_six_minutes, "the hold of .* was booked"),
    "a_refused_batch_stays_half_written": (two_stays_in_one_bed, "was refused .* and yet changed"),
    "a_change_locks_no_day": (a_booking_is_cancelled, "changed, and the version of"),
    "confirming_is_not_on_record": (a_booking_is_confirmed, "changed without an event"),
    "the_version_is_not_looked_at": (
        a_booking_has_changed_since_it_was_read,
        "cancelled by who had read another version",
    ),
}
