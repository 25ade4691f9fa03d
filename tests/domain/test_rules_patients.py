"""Rules about the patient: her time, the interval between doses, the caps. Before and after, over all her courses."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from scheduler.domain.protocols import RollingCap
from scheduler.domain.recurrence import Gap
from scheduler.domain.rules import (
    Order,
    PatientFacts,
    interval_is_kept,
    patient_is_free,
    refusals,
    rolling_cap_is_kept,
)
from tests.domain.situations import ELSEWHERE, clock, dhe, dose, need, ny, on_monday, proposal, situation, taken

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOON = clock("12:00")
ATTESTED = Order(is_attested=True)


def with_doses(*doses, ignoring=()):
    return situation(patient=PatientFacts(doses=list(doses)), ignoring=ignoring)


class TestPatientIsFree:
    def busy(self, interval, **values):
        return situation(patient=PatientFacts(taken=[taken(interval, **values)]))

    def test_back_to_back_is_free(self):
        there = self.busy(on_monday("10:00", "11:00"))
        assert patient_is_free(proposal(clock("11:00")), there) is None
        assert patient_is_free(proposal(clock("09:00")), there) is None

    def test_a_shared_minute_is_refused_with_the_time(self):
        refusal = patient_is_free(proposal(clock("10:59")), self.busy(on_monday("10:00", "11:00")))
        assert refusal.is_hard
        assert refusal.detail == (
            "The patient has another visit from Mon 30 Nov 2026, 10:00 until Mon 30 Nov 2026, 11:00."
        )

    def test_her_time_is_preparation_to_observation_without_the_cleaning(self):
        wanted = need(lengths=(20, 60, 30, 10))
        there = self.busy(on_monday("12:00", "13:00"))
        assert patient_is_free(proposal(clock("10:30"), wanted), there) is None  # cleaning until 12:10
        assert patient_is_free(proposal(clock("10:31"), wanted), there) is not None
        assert patient_is_free(proposal(clock("13:20"), wanted), there) is None
        assert patient_is_free(proposal(clock("13:19"), wanted), there) is not None

    def test_an_appointment_in_another_center_says_only_that(self):
        there = self.busy(on_monday("10:00", "11:00"), center=ELSEWHERE)
        refusal = patient_is_free(proposal(clock("10:00")), there)
        assert refusal.detail == "Another appointment at that time."
        assert dict(refusal.facts) == {}

    def test_during_a_stay_she_is_in_her_bed(self):
        there = self.busy(on_monday("08:00", "17:00"), appointment=None, stay=9)
        refusal = patient_is_free(proposal(clock("12:00")), there)
        assert refusal.detail == "The patient has a stay from Mon 30 Nov 2026, 08:00 until Mon 30 Nov 2026, 17:00."
        assert patient_is_free(proposal(clock("12:00"), need(course=9)), there) is None
        elsewhere = self.busy(on_monday("08:00", "17:00"), appointment=None, stay=9, center=ELSEWHERE)
        assert patient_is_free(proposal(clock("12:00")), elsewhere).detail == "Another appointment at that time."

    def test_a_booking_that_moves_does_not_stand_in_its_own_way(self):
        there = situation(patient=PatientFacts(taken=[taken(on_monday("10:00", "11:00"), appointment=5)]), ignoring=[5])
        assert patient_is_free(proposal(clock("10:30")), there) is None


class TestIntervalIsKept:
    @pytest.mark.parametrize("away", [timedelta(hours=7), -timedelta(hours=7)])
    def test_exactly_the_interval_is_enough_before_and_after(self, away):
        assert interval_is_kept(proposal(NOON, dhe()), with_doses(dose(NOON + away))) is None

    def test_a_minute_less_before_names_the_dose_and_when_it_can_be(self):
        at = NOON - timedelta(hours=6, minutes=59)
        refusal = interval_is_kept(proposal(NOON, dhe()), with_doses(dose(at)))
        assert refusal.is_hard
        assert refusal.detail == (
            "The dose given on Mon 30 Nov 2026, 05:01 is only 6 h 59 before this one. At least 7 hours must lie "
            "between doses, so not before Mon 30 Nov 2026, 12:01."
        )

    def test_a_minute_less_after_names_the_dose_booked(self):
        at = NOON + timedelta(hours=6, minutes=59)
        refusal = interval_is_kept(proposal(NOON, dhe()), with_doses(dose(at, kind="booked")))
        assert refusal.detail == (
            "The dose booked for Mon 30 Nov 2026, 18:59 is only 6 h 59 after this one. At least 7 hours must lie "
            "between doses."
        )

    def test_a_dose_given_at_home_counts_and_is_named(self):
        refusal = interval_is_kept(proposal(NOON, dhe()), with_doses(dose(NOON - HOUR, kind="elsewhere", center=None)))
        assert refusal.detail.startswith("The dose taken at home or elsewhere on Mon 30 Nov 2026, 11:00")

    def test_the_nearest_of_several_is_named(self):
        there = with_doses(dose(NOON - 6 * HOUR), dose(NOON - 2 * HOUR), dose(NOON + 3 * HOUR, kind="booked"))
        refusal = interval_is_kept(proposal(NOON, dhe()), there)
        assert "10:00" in refusal.detail
        assert refusal.facts["earliest"] == clock("17:00")

    def test_a_dose_in_another_center_says_only_that(self):
        refusal = interval_is_kept(
            proposal(NOON, dhe()), with_doses(dose(NOON - HOUR, kind="booked", center=ELSEWHERE))
        )
        assert refusal.detail == "Another appointment at that time."
        assert dict(refusal.facts) == {}

    def test_another_centers_dose_does_not_show_through_the_time_that_would_be_allowed(self):
        there = with_doses(dose(NOON - 3 * HOUR), dose(NOON - 4 * HOUR, center=ELSEWHERE))
        refusal = interval_is_kept(proposal(NOON, dhe()), there)
        assert refusal.facts["earliest"] == clock("16:00")  # from the dose here alone

    def test_days_are_counted_as_dates_however_long_the_clock_made_them(self):
        wanted = need(substance="eptinezumab", gap=Gap("days", 84))
        dose_at = ny("2026-11-30 17:00")
        early_morning = ny("2027-02-22 08:00")  # 83 days and 15 hours later, and 84 dates
        assert interval_is_kept(proposal(early_morning, wanted), with_doses(dose(dose_at))) is None
        refusal = interval_is_kept(proposal(ny("2027-02-21 23:59"), wanted), with_doses(dose(dose_at)))
        assert "83 days before" in refusal.detail
        assert "At least 84 days" in refusal.detail

    def test_hours_are_real_ones_over_a_clock_change(self):
        spring = ny("2027-03-14 01:00")
        assert interval_is_kept(proposal(ny("2027-03-14 09:00"), dhe()), with_doses(dose(spring))) is None
        refusal = interval_is_kept(proposal(ny("2027-03-14 08:59"), dhe()), with_doses(dose(spring)))
        assert "6 h 59" in refusal.detail
        autumn = ny("2026-11-01 01:30")  # the first 01:30
        assert interval_is_kept(proposal(ny("2026-11-01 07:30"), dhe()), with_doses(dose(autumn))) is None

    def test_what_has_no_substance_or_no_interval_has_no_distance(self):
        near = with_doses(dose(NOON - HOUR))
        assert interval_is_kept(proposal(NOON), near) is None
        assert interval_is_kept(proposal(NOON, dhe(gap=None)), near) is None
        assert interval_is_kept(proposal(NOON, dhe(gap=Gap("minutes", 0))), near) is None

    def test_its_own_old_place_does_not_count(self):
        there = with_doses(dose(NOON - HOUR, kind="booked", appointment=5), ignoring=[5])
        assert interval_is_kept(proposal(NOON, dhe()), there) is None


class TestRollingCapIsKept:
    def test_three_doses_within_23_hours_are_allowed(self):
        there = with_doses(dose(NOON - 16 * HOUR), dose(NOON - 8 * HOUR))
        assert rolling_cap_is_kept(proposal(NOON, dhe()), there) is None

    def test_a_fourth_within_23_hours_is_refused_naming_the_doses_it_clashes_with(self):
        first = NOON - 23 * HOUR + MINUTE
        there = with_doses(dose(first), dose(NOON - 14 * HOUR), dose(NOON - 7 * HOUR))
        refusal = rolling_cap_is_kept(proposal(NOON, dhe()), there)
        assert refusal.is_hard
        assert refusal.detail == (
            "This would be dose 4 within 23 hours; at most 3 are allowed. It clashes with: "
            "Sun 29 Nov 13:01, Sun 29 Nov 22:00, Mon 30 Nov 05:00."
        )
        assert refusal.facts["free_again"] == first + 23 * HOUR

    def test_exactly_23_hours_after_the_first_is_allowed(self):
        there = with_doses(dose(NOON - 23 * HOUR), dose(NOON - 14 * HOUR), dose(NOON - 7 * HOUR))
        assert rolling_cap_is_kept(proposal(NOON, dhe()), there) is None

    def test_a_dose_given_at_home_counts(self):
        there = with_doses(
            dose(NOON - 22 * HOUR, kind="elsewhere", center=None), dose(NOON - 14 * HOUR), dose(NOON - 7 * HOUR)
        )
        refusal = rolling_cap_is_kept(proposal(NOON, dhe()), there)
        assert refusal.facts["dose_kinds"] == ["elsewhere", "given", "given"]
        assert "Sun 29 Nov 14:00" in refusal.detail

    def test_doses_booked_after_it_count_as_well(self):
        after = [dose(NOON + n * 7 * HOUR, kind="booked") for n in (1, 2, 3)]
        assert rolling_cap_is_kept(proposal(NOON, dhe()), with_doses(*after)) is not None
        assert rolling_cap_is_kept(proposal(NOON - 2 * HOUR, dhe()), with_doses(*after)) is None

    def test_between_others_it_counts_both_ways(self):
        around = (dose(NOON - 8 * HOUR), dose(NOON + 7 * HOUR, kind="booked"), dose(NOON + 14 * HOUR, kind="booked"))
        assert rolling_cap_is_kept(proposal(NOON, dhe()), with_doses(*around)) is not None  # 22 hours from end to end

    def test_a_dose_in_another_center_says_only_that(self):
        there = with_doses(dose(NOON - 21 * HOUR, center=ELSEWHERE), dose(NOON - 14 * HOUR), dose(NOON - 7 * HOUR))
        refusal = rolling_cap_is_kept(proposal(NOON, dhe()), there)
        assert refusal.detail == "Another appointment at that time."
        assert dict(refusal.facts) == {}

    def test_the_labels_milligrams_need_the_prescribers_attestation(self):
        there = with_doses(dose(NOON - 16 * HOUR, "1"), dose(NOON - 8 * HOUR, "1"))
        refusal = rolling_cap_is_kept(proposal(NOON, dhe(mg=Decimal("0.5"))), there)
        assert refusal.detail == (
            "2.5 mg within 24 hours is over the label's 2 mg, counting: Sun 29 Nov 20:00, Mon 30 Nov 04:00. "
            "With the prescriber's attestation on the course it can be booked."
        )
        assert refusal.facts["needs_attestation"]
        assert rolling_cap_is_kept(proposal(NOON, dhe(mg=Decimal("0.5"), order=ATTESTED)), there) is None

    def test_exactly_the_labels_milligrams_are_allowed(self):
        there = with_doses(dose(NOON - 16 * HOUR, "0.75"), dose(NOON - 8 * HOUR, "0.75"))
        assert rolling_cap_is_kept(proposal(NOON, dhe(mg=Decimal("0.5"))), there) is None

    def test_the_week_counts_too_and_says_seven_days(self):
        doses = [dose(NOON - n * DAY, "1.2") for n in range(1, 6)]
        refusal = rolling_cap_is_kept(proposal(NOON, dhe(mg=Decimal("0.5"))), with_doses(*doses))
        assert "6.5 mg within 7 days is over the label's 6 mg" in refusal.detail

    def test_one_dose_over_the_cap_says_so(self):
        refusal = rolling_cap_is_kept(proposal(NOON, dhe(mg=Decimal("3"))), with_doses())
        assert refusal.detail.startswith("One dose of 3 mg is over the label's 2 mg within 24 hours.")
        assert rolling_cap_is_kept(proposal(NOON, dhe(mg=Decimal("3"), order=ATTESTED)), with_doses()) is None

    def test_an_attestation_never_lets_the_number_of_doses_pass(self):
        there = with_doses(*(dose(NOON - n * 7 * HOUR) for n in (1, 2, 3)))
        refusal = rolling_cap_is_kept(proposal(NOON, dhe(order=ATTESTED)), there)
        assert "dose 4 within 23 hours" in refusal.detail

    def test_a_policys_cap_in_milligrams_is_not_for_attesting(self):
        cap = RollingCap("mg", Decimal(1), 24 * 60, attestable=False, source="policy")
        refusal = rolling_cap_is_kept(
            proposal(NOON, dhe(caps=(cap,), order=ATTESTED)), with_doses(dose(NOON - HOUR, "1"))
        )
        assert "1.5 mg within 24 hours is over the limit of 1 mg" in refusal.detail
        assert "attestation" not in refusal.detail

    def test_a_single_dose_over_a_policys_cap_is_not_called_the_labels(self):
        cap = RollingCap("mg", Decimal(1), 24 * 60, attestable=False, source="policy")
        refusal = rolling_cap_is_kept(proposal(NOON, dhe(mg=Decimal(2), caps=(cap,))), with_doses())
        assert "attestation" not in refusal.detail
        assert "label" not in refusal.detail

    def test_its_own_old_place_does_not_count(self):
        doses = [dose(NOON - n * 7 * HOUR) for n in (2, 3)] + [dose(NOON - 7 * HOUR, kind="booked", appointment=5)]
        assert rolling_cap_is_kept(proposal(NOON, dhe()), with_doses(*doses)) is not None
        assert rolling_cap_is_kept(proposal(NOON, dhe()), with_doses(*doses, ignoring=[5])) is None


def test_a_fourth_dose_too_early_is_refused_by_both_rules():
    there = with_doses(*(dose(NOON - n * 6 * HOUR) for n in (1, 2, 3)))
    assert [refusal.code for refusal in refusals(proposal(NOON, dhe()), there)] == [
        "interval_is_kept",
        "rolling_cap_is_kept",
    ]
