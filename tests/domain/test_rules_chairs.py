"""Rules about the place: the chair is free, it suits, the unit is open."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.domain.rules import ChairFacts, Closed, chair_is_free, chair_is_suitable, refusals, unit_is_open
from tests.domain.situations import (
    BED,
    CHAIR,
    OPEN,
    between,
    clock,
    need,
    ny,
    on_monday,
    proposal,
    situation,
    staffed,
    taken,
)

MINUTE = timedelta(minutes=1)
CLEANED = need(lengths=(20, 60, 30, 10))  # 20 before, 100 from the start on


class TestChairIsFree:
    def busy(self, start="10:00", end="11:00", **values):
        return situation(taken={CHAIR.id: [taken(on_monday(start, end), **values)]})

    def test_a_free_chair_is_free(self):
        assert chair_is_free(proposal(clock("10:00")), situation()) is None

    @pytest.mark.parametrize("start", ["09:00", "11:00"])
    def test_back_to_back_is_free(self, start):
        assert chair_is_free(proposal(clock(start)), self.busy()) is None

    @pytest.mark.parametrize("start", ["09:01", "10:00", "10:30", "10:59"])
    def test_a_shared_minute_is_refused(self, start):
        refusal = chair_is_free(proposal(clock(start)), self.busy())
        assert refusal.code == "chair_is_free"
        assert refusal.is_hard
        assert refusal.detail == (
            "Chair 1 is taken from Mon 30 Nov 2026, 10:00 until Mon 30 Nov 2026, 11:00 "
            "by another visit and its cleaning."
        )
        assert refusal.facts["chair"] == "Chair 1"

    def test_preparation_observation_and_cleaning_belong_to_a_visit(self):
        there = self.busy()
        assert chair_is_free(proposal(clock("11:20"), CLEANED), there) is None
        assert chair_is_free(proposal(clock("11:19"), CLEANED), there) is not None
        assert chair_is_free(proposal(clock("08:20"), CLEANED), there) is None  # 08:00 to 10:00
        assert chair_is_free(proposal(clock("08:21"), CLEANED), there) is not None

    def test_another_chair_does_not_matter(self):
        assert chair_is_free(proposal(clock("10:00"), chair=BED), self.busy()) is None

    def test_a_booking_that_moves_does_not_stand_in_its_own_way(self):
        there = self.busy(appointment=5)
        assert chair_is_free(proposal(clock("10:30")), there) is not None
        leaving = situation(taken=there.unit.taken, ignoring=[5])
        assert chair_is_free(proposal(clock("10:30")), leaving) is None

    def test_a_stay_keeps_its_chair_for_its_own_course_only(self):
        there = self.busy("08:00", "17:00", appointment=None, stay=9)
        refusal = chair_is_free(proposal(clock("12:00")), there)
        assert refusal.detail == "Chair 1 is kept for another patient's stay until Mon 30 Nov 2026, 17:00."
        assert chair_is_free(proposal(clock("12:00"), need(course=9)), there) is None

    def test_a_stay_needs_the_chair_between_its_doses_too(self):
        stay = on_monday("08:00", "17:00")
        there = self.busy("12:00", "12:30")
        assert chair_is_free(proposal(clock("09:00")), there) is None
        assert chair_is_free(proposal(clock("09:00"), stay=stay), there) is not None

    def test_the_first_of_several_clashes_is_named(self):
        there = situation(taken={CHAIR.id: [taken(on_monday("11:00", "11:30")), taken(on_monday("10:15", "10:30"))]})
        refusal = chair_is_free(proposal(clock("10:00"), need(lengths=(0, 120, 0, 0))), there)
        assert "10:15" in refusal.detail


class TestChairIsSuitable:
    def test_a_recliner_does_for_who_may_sit(self):
        assert chair_is_suitable(proposal(clock("10:00")), situation()) is None

    def test_out_of_service_takes_nobody(self):
        broken = ChairFacts(id=1, name="Chair 1", kind="bed", is_active=False)
        refusal = chair_is_suitable(proposal(clock("10:00"), chair=broken), situation())
        assert refusal.detail == "Chair 1 is out of service."

    @pytest.mark.parametrize(("kind", "suits"), [("recliner", False), ("bed", True), ("room", True)])
    def test_who_must_lie_down_needs_a_bed_or_a_room(self, kind, suits):
        chair = ChairFacts(id=3, name="Place 3", kind=kind)
        refusal = chair_is_suitable(proposal(clock("10:00"), need(needs_bed=True), chair=chair), situation())
        assert (refusal is None) is suits
        if not suits:
            assert refusal.detail == "This treatment needs a bed, and Place 3 is a recliner."


class TestUnitIsOpen:
    @pytest.mark.parametrize("start", ["08:00", "12:00", "17:00"])
    def test_from_opening_to_closing_is_open(self, start):
        assert unit_is_open(proposal(clock(start)), situation()) is None

    def test_what_would_end_after_closing_says_so(self):
        refusal = unit_is_open(proposal(clock("17:30"), need(lengths=(0, 60, 30, 0))), situation())
        assert refusal.detail == "From Mon 30 Nov 2026, 17:30 it would end at 19:00; Day suite closes at 18:00."
        assert refusal.facts["closes"] == "18:00"

    def test_a_minute_too_long_is_refused(self):
        assert unit_is_open(proposal(clock("17:01")), situation()) is not None

    def test_cleaning_after_closing_is_refused_and_said(self):
        refusal = unit_is_open(proposal(clock("17:00"), need(lengths=(0, 60, 0, 10))), situation())
        assert refusal.detail == (
            "From Mon 30 Nov 2026, 17:00 the chair would be ready again at 18:10; Day suite closes at 18:00."
        )

    def test_preparation_before_opening_is_said(self):
        refusal = unit_is_open(proposal(clock("08:10"), need(lengths=(20, 60, 0, 0))), situation())
        assert refusal.detail == "Preparation would begin at Mon 30 Nov 2026, 07:50; Day suite opens at 08:00."

    def test_outside_hours_names_them(self):
        refusal = unit_is_open(proposal(clock("19:00")), situation())
        assert refusal.detail == "Day suite is closed at Mon 30 Nov 2026, 19:00; that day it is open 08:00-18:00."

    def test_a_day_without_hours_says_so(self):
        refusal = unit_is_open(proposal(clock("10:00")), situation(open=()))
        assert refusal.detail == "Day suite is closed all day on Mon 30 Nov 2026."

    def test_a_closure_is_named_with_its_reason(self):
        holiday = Closed(on_monday("00:00", "23:59"), "Holiday")
        refusal = unit_is_open(proposal(clock("10:00")), situation(open=(), closed=(holiday,)))
        assert refusal.detail == (
            "Day suite is closed from Mon 30 Nov 2026, 00:00 until Mon 30 Nov 2026, 23:59: Holiday."
        )

    def test_a_closed_chair_leaves_the_others(self):
        repair = Closed(on_monday("10:00", "12:00"), "Repair", chair=CHAIR.id)
        there = situation(closed=(repair,))
        refusal = unit_is_open(proposal(clock("11:00")), there)
        assert refusal.detail == ("Chair 1 is closed from Mon 30 Nov 2026, 10:00 until Mon 30 Nov 2026, 12:00: Repair.")
        assert unit_is_open(proposal(clock("11:00"), chair=BED), there) is None
        assert unit_is_open(proposal(clock("12:00")), there) is None
        assert unit_is_open(proposal(clock("09:00")), there) is None
        assert unit_is_open(proposal(clock("09:01")), there) is not None

    def test_a_closure_inside_the_day_is_named_not_the_hours(self):
        drill = Closed(on_monday("12:00", "13:00"), "Fire drill")
        there = situation(open=(on_monday("08:00", "12:00"), on_monday("13:00", "18:00")), closed=(drill,))
        assert "Fire drill" in unit_is_open(proposal(clock("11:30")), there).detail
        assert unit_is_open(proposal(clock("11:00")), there) is None
        assert unit_is_open(proposal(clock("13:00")), there) is None

    def test_a_stay_needs_the_unit_open_all_the_time(self):
        assert unit_is_open(proposal(clock("09:00"), stay=on_monday("09:00", "18:00")), situation()) is None
        refusal = unit_is_open(proposal(clock("09:00"), stay=on_monday("09:00", "18:01")), situation())
        assert refusal.detail == (
            "The stay lasts from Mon 30 Nov 2026, 09:00 until Mon 30 Nov 2026, 18:01; "
            "Day suite is closed at Mon 30 Nov 2026, 18:00."
        )

    def test_over_midnight_where_it_never_closes(self):
        always = between("2026-11-30 00:00", "2026-12-02 00:00")
        there = situation(open=(always,), capacity=staffed(always))
        assert unit_is_open(proposal(clock("23:30")), there) is None

    def test_midnight_is_24_00_as_a_closing_time(self):
        there = situation(open=(between("2026-11-30 12:00", "2026-12-01 00:00"),))
        assert "12:00-24:00" in unit_is_open(proposal(clock("09:00")), there).detail

    def test_in_the_hour_that_comes_twice_real_minutes_count(self):
        # Sun 1 Nov 2026: 01:00-02:00 comes twice, so 00:30 to 03:30 are 4 real hours.
        night = between("2026-11-01 00:00", "2026-11-01 03:00")
        there = situation(open=(night,), capacity=staffed(night))
        assert unit_is_open(proposal(ny("2026-11-01 00:00"), need(lengths=(0, 240, 0, 0))), there) is None
        assert unit_is_open(proposal(ny("2026-11-01 00:00"), need(lengths=(0, 241, 0, 0))), there) is not None

    def test_in_the_hour_that_does_not_come_real_minutes_count(self):
        night = between("2027-03-14 00:00", "2027-03-14 04:00")
        there = situation(open=(night,), capacity=staffed(night))
        assert unit_is_open(proposal(ny("2027-03-14 00:00"), need(lengths=(0, 180, 0, 0))), there) is None
        assert unit_is_open(proposal(ny("2027-03-14 00:00"), need(lengths=(0, 181, 0, 0))), there) is not None


def test_all_that_speaks_against_a_place_is_collected_hard_rules_first():
    there = situation(taken={CHAIR.id: [taken(on_monday("17:00", "18:00"))]}, capacity={}, closed=(), open=(OPEN,))
    wanted = need(needs_bed=True, window=on_monday("08:00", "09:00"), due=clock("08:30"))
    found = refusals(proposal(clock("17:30"), wanted), there)
    assert [refusal.code for refusal in found] == [
        "chair_is_free",
        "unit_is_open",
        "chair_is_suitable",
        "window_is_kept",
        "nurses_can_cover",
    ]
    assert [refusal.is_hard for refusal in found] == [True] * 3 + [False] * 2


def test_an_override_sets_soft_rules_aside_and_never_a_hard_one():
    there = situation(taken={CHAIR.id: [taken(on_monday("10:00", "11:00"))]}, capacity={})
    found = refusals(proposal(clock("10:00")), there, overridden={"chair_is_free", "nurses_can_cover"})
    assert [refusal.code for refusal in found] == ["chair_is_free"]
