"""Rules about the nurses: somebody watches the patient all the time, and somebody's hands start the treatment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.domain.rules import nurse_can_start, nurses_can_cover, refusals
from tests.domain.situations import OPEN, care, clock, need, on_monday, proposal, situation, staffed

MINUTE = timedelta(minutes=1)


class TestNursesCanCover:
    def test_an_empty_staffed_unit_can(self):
        assert nurses_can_cover(proposal(clock("10:00")), situation()) is None

    def test_the_last_free_patient_fits_and_one_more_does_not(self):
        there = situation(
            capacity=staffed(OPEN, nurses=4, patients=2, acuity=9), cares=[care(clock("10:00"), appointment=1)]
        )
        assert nurses_can_cover(proposal(clock("10:30")), there) is None
        full = situation(capacity=there.unit.capacity, cares=[care(clock("10:00"), appointment=n) for n in (1, 2)])
        refusal = nurses_can_cover(proposal(clock("10:30")), full)
        assert not refusal.is_hard
        assert refusal.detail == (
            "From Mon 30 Nov 2026, 10:30 to 10:45 this would be patient 3; the nurses can watch 2."
        )
        assert nurses_can_cover(proposal(clock("11:00")), full) is None
        assert nurses_can_cover(proposal(clock("09:00")), full) is None

    def test_acuity_counts_beside_the_number_of_patients(self):
        there = situation(
            capacity=staffed(OPEN, patients=8, acuity=4), cares=[care(clock("10:00"), acuity=2, appointment=1)]
        )
        assert nurses_can_cover(proposal(clock("10:00"), need(acuity=2)), there) is None
        refusal = nurses_can_cover(proposal(clock("10:00"), need(acuity=3)), there)
        assert refusal.detail == (
            "From Mon 30 Nov 2026, 10:00 to 10:15 this would make 5 points of acuity; the nurses can watch 4."
        )

    def test_a_quarter_hour_in_the_middle_is_enough_to_refuse(self):
        capacity = staffed(OPEN) | staffed(on_monday("10:30", "10:45"), nurses=0, patients=0, acuity=0)
        there = situation(capacity=capacity)
        refusal = nurses_can_cover(proposal(clock("10:00")), there)
        assert refusal.detail == "No nurse is in Day suite from Mon 30 Nov 2026, 10:30 to 10:45."
        assert nurses_can_cover(proposal(clock("10:45")), there) is None
        assert nurses_can_cover(proposal(clock("09:30")), there) is None

    def test_preparation_and_observation_are_watched_cleaning_is_not(self):
        capacity = staffed(on_monday("10:00", "12:00"))
        there = situation(capacity=capacity)
        wanted = need(lengths=(30, 60, 30, 60))
        assert nurses_can_cover(proposal(clock("10:30"), wanted), there) is None
        assert nurses_can_cover(proposal(clock("10:29"), wanted), there) is not None
        assert nurses_can_cover(proposal(clock("10:31"), wanted), there) is not None

    def test_what_moves_is_not_counted_twice(self):
        there = situation(capacity=staffed(OPEN, patients=1), cares=[care(clock("10:00"), appointment=5)], ignoring=[5])
        assert nurses_can_cover(proposal(clock("10:15")), there) is None

    def test_where_it_is_closed_the_hours_say_so_and_not_the_nurses(self):
        found = refusals(proposal(clock("19:00")), situation())
        assert [refusal.code for refusal in found] == ["unit_is_open"]

    def test_a_quarter_hour_that_is_open_in_part_has_to_be_staffed(self):
        late = on_monday("08:10", "18:00")
        there = situation(open=(late,), capacity=staffed(on_monday("08:15", "18:00")))
        assert [refusal.code for refusal in refusals(proposal(clock("08:10")), there)] == ["nurses_can_cover"]


class TestNurseCanStart:
    @pytest.mark.parametrize("starts", [0, 1])
    def test_as_many_starts_in_a_quarter_hour_as_nurses(self, starts):
        there = situation(
            capacity=staffed(OPEN, nurses=2),
            cares=[care(clock("10:00") + n * MINUTE, appointment=n) for n in range(starts)],
        )
        assert nurse_can_start(proposal(clock("10:07")), there) is None

    def test_one_more_is_refused_in_that_quarter_hour_only(self):
        there = situation(capacity=staffed(OPEN, nurses=2), cares=[care(clock("10:00"), appointment=n) for n in (1, 2)])
        refusal = nurse_can_start(proposal(clock("10:14")), there)
        assert not refusal.is_hard
        assert refusal.detail == (
            "At Mon 30 Nov 2026, 10:00 2 treatments start already, and 2 nurses are on the floor."
        )
        assert nurse_can_start(proposal(clock("10:15")), there) is None
        assert nurse_can_start(proposal(clock("09:59")), there) is None

    def test_the_start_of_treatment_counts_not_the_preparation(self):
        there = situation(capacity=staffed(OPEN, nurses=1), cares=[care(clock("10:00"), appointment=1)])
        assert nurse_can_start(proposal(clock("10:30"), need(lengths=(30, 60, 0, 0))), there) is None

    def test_without_any_nurse_the_other_rule_speaks(self):
        assert nurse_can_start(proposal(clock("10:00")), situation(capacity={})) is None

    def test_what_moves_is_not_counted_twice(self):
        there = situation(capacity=staffed(OPEN, nurses=1), cares=[care(clock("10:00"), appointment=5)], ignoring=[5])
        assert nurse_can_start(proposal(clock("10:10")), there) is None
