"""Close a chair, a unit, a day, or do without a nurse: who is affected, where each could go, saved whole or not."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from scheduler.domain.errors import Forbidden, NotFound, Refused, Stale
from scheduler.domain.permissions import AUDITOR
from scheduler.models import Appointment, Chair, Closure, Event, LedgerEntry, Nurse, Shift, UnitDay
from scheduler.queries import absence as absences
from scheduler.queries import closing as closings
from scheduler.queries import worklist
from scheduler.queries.absence import Absence
from scheduler.queries.away import away
from scheduler.queries.course_request import CourseRequest
from scheduler.services import absences as nurse_away
from scheduler.services import attendance, booking, closing, courses, returning, setup
from scheduler.services.closing import Accepted
from scheduler.services.placing import place_visit
from scheduler.services.setup import ClosureFacts
from tests import factories as make
from tests.factories import NOW, utc

DAY_START, DAY_END = utc("2026-11-17T00:00-05:00"), utc("2026-11-18T00:00-05:00")
HALF_EIGHT = utc("2026-11-17T07:30-05:00")


@pytest.fixture
def rescue(db):
    return make.make_rescue()


@pytest.fixture
def book(center, day_suite, rescue, actor):
    def run(when: str, chair: Chair | None = None, **values) -> Appointment:
        values.setdefault("patient", make.make_patient(center, email="a@example.org"))
        values.setdefault("protocol", rescue)
        place = chair or Chair.objects.select_related("unit__center").filter(unit=day_suite).first()
        return booking.book(actor=actor, chair=place, start=utc(when), now=NOW, **values)

    return run


def shut(center, **place) -> ClosureFacts:
    values = {"start": DAY_START, "end": DAY_END, "reason": "Water damage", **place}
    return ClosureFacts(**values)


def preview(center, facts: ClosureFacts, now=NOW) -> closings.ClosingPlan:
    return closings.plan(closing.draft_of(center, facts), now=now)


def accepted(rehomed) -> list[Accepted]:
    return [
        Accepted(step.appointment.pk, step.appointment.version, step.slot.chair.id, step.slot.start)
        for one in rehomed
        for step in one.steps
    ]


class TestWhoIsAffected:
    def test_each_gets_another_chair_at_the_same_time(self, center, chair, book):
        rows = [book("2026-11-17T09:00-05:00"), book("2026-11-17T13:00-05:00")]
        plan = preview(center, shut(center, chair=chair))
        assert [one.first for one in plan.rehomed] == rows
        for one in plan.rehomed:
            assert one.steps[0].slot.start == one.first.start
            assert one.steps[0].slot.chair.id != chair.pk
            assert one.reasons[0].code == "same_time"

    def test_nothing_is_written_and_nobody_is_told(self, center, chair, book):
        book("2026-11-17T09:00-05:00")
        before = LedgerEntry.objects.count(), Event.objects.count()
        preview(center, shut(center, chair=chair))
        assert not Closure.objects.exists()
        assert (LedgerEntry.objects.count(), Event.objects.count()) == before

    def test_two_proposals_never_share_a_place(self, center, day_suite, book):
        chairs = list(Chair.objects.select_related("unit__center").filter(unit=day_suite))
        for each in chairs[:2]:
            book("2026-11-17T09:00-05:00" if each is chairs[0] else "2026-11-17T09:15-05:00", each)
        Chair.objects.filter(pk=chairs[3].pk).update(is_active=False)
        facts = ClosureFacts(utc("2026-11-17T08:00-05:00"), utc("2026-11-17T12:00-05:00"), "Works", unit=day_suite)
        plan = preview(center, facts)
        taken = [(step.slot.chair.id, step.slot.start) for one in plan.rehomed for step in one.steps]
        assert len(taken) == 2
        setup.add_closure(actor=make.make_actor(center), center=center, facts=facts, now=NOW)

    def test_who_has_begun_is_named_and_stays(self, center, chair, book, actor):
        row = book("2026-11-16T10:30-05:00")
        attendance.arrive(actor=actor, appointment=row, now=NOW)
        attendance.start(actor=actor, appointment=row, now=NOW)
        facts = ClosureFacts(NOW, NOW + timedelta(hours=3), "Broken", chair=chair)
        [one] = preview(center, facts).rehomed
        assert one.steps == ()
        assert one.why[0].detail == "This visit has begun: she is there."

    def test_no_place_inside_the_window_says_why_and_what_is_nearest(self, center, day_suite, actor):
        protocol = make.make_quarterly(window_before=0, window_after=0)
        request = CourseRequest(
            patient=make.make_patient(center),
            protocol=protocol,
            unit=day_suite,
            start=utc("2026-11-17T10:00-05:00"),
            doses=1,
        )
        course = courses.create(actor=actor, center=center, request=request, now=NOW)
        place_visit(actor=actor, visit=course.visits.get(), now=NOW)
        [one] = preview(center, shut(center)).rehomed
        assert one.steps == ()
        assert any("is closed" in refusal.detail for refusal in one.why)
        assert one.nearest
        assert all(slot.start >= DAY_END or slot.start < DAY_START for slot in one.nearest)

    def test_a_visit_without_a_window_stays_on_its_day(self, center, day_suite, book):
        book("2026-11-17T09:00-05:00")
        [one] = preview(center, shut(center, unit=day_suite)).rehomed
        assert one.steps == (), "a rescue infusion is meant for that day"

    def test_the_other_unit_is_proposed_when_its_own_is_closed(self, center, day_suite, night_suite, book):
        book("2026-11-17T09:00-05:00")
        [one] = preview(center, shut(center, unit=day_suite)).rehomed
        assert one.steps[0].slot.unit == night_suite.pk
        assert one.steps[0].slot.start == one.first.start

    def test_a_stay_moves_whole_into_one_chair(self, center, night_suite, actor):
        course = stay(center, night_suite, actor)
        bed = Appointment.objects.filter(visit__course=course).first().chair
        facts = ClosureFacts(
            utc("2026-11-18T12:00-05:00"), utc("2026-11-18T13:00-05:00"), "Lamp", chair=Chair.objects.get(pk=bed.pk)
        )
        [one] = preview(center, facts).rehomed
        assert len(one.steps) == 3
        assert len({step.slot.chair.id for step in one.steps}) == 1
        assert one.steps[0].slot.chair.id != bed.pk
        done = closing.close(
            actor=actor,
            center=center,
            facts=facts,
            accepted=accepted([one]),
            picture=preview(center, facts).picture,
            now=NOW,
        )
        assert {row.chair_id for row in done.moved} == {one.steps[0].slot.chair.id}


def stay(center, unit, actor):
    request = CourseRequest(
        patient=make.make_patient(center),
        protocol=make.make_dhe(),
        unit=unit,
        start=utc("2026-11-18T08:00-05:00"),
        days=1,
    )
    course = courses.create(actor=actor, center=center, request=request, now=NOW)
    place_visit(actor=actor, visit=course.visits.first(), now=NOW)
    assert course.visits.filter(state="booked").count() == 3
    return course


class TestSaving:
    def test_closure_and_moves_are_saved_together_and_only_the_moved_are_told(self, center, chair, book, actor):
        first, second = book("2026-11-17T09:00-05:00"), book("2026-11-17T13:00-05:00")
        facts = shut(center, chair=chair)
        plan = preview(center, facts)
        done = closing.close(
            actor=actor,
            center=center,
            facts=facts,
            accepted=accepted(plan.rehomed[:1]),
            picture=plan.picture,
            now=NOW,
        )
        first.refresh_from_db()
        second.refresh_from_db()
        assert first.chair_id != chair.pk
        assert second.chair_id == chair.pk
        assert done.closure == Closure.objects.get()
        assert [item.appointment_id for item in worklist.items(center=center, now=NOW) if item.kind == "clash"] == [
            second.pk
        ]
        verbs = list(Event.objects.order_by("pk").values_list("verb", flat=True))
        assert verbs[-2:] == ["add-closure", "move"]

    def test_a_new_time_is_told_and_nobody_else_hears(self, center, day_suite, book, actor):
        moved = book("2026-11-17T09:00-05:00")
        other = book("2026-11-17T13:00-05:00")
        LedgerEntry.objects.filter(kind="booked").update(state="sent", done_at=NOW)  # both know their first time
        facts = ClosureFacts(utc("2026-11-17T08:00-05:00"), utc("2026-11-17T14:30-05:00"), "Works", unit=day_suite)
        plan = preview(center, facts)
        chosen = [one for one in plan.rehomed if one.first.pk == moved.pk]
        closing.close(actor=actor, center=center, facts=facts, accepted=accepted(chosen), picture=plan.picture, now=NOW)
        told = LedgerEntry.objects.filter(kind="moved")
        assert {entry.appointment_id for entry in told} == {moved.pk}
        assert not told.filter(appointment=other).exists()

    def test_a_booking_made_while_the_preview_is_open_makes_it_stale_and_nothing_is_saved(
        self, center, chair, book, actor
    ):
        row = book("2026-11-17T09:00-05:00")
        facts = shut(center, chair=chair)
        plan = preview(center, facts)
        book("2026-11-17T13:00-05:00")
        with pytest.raises(Stale):
            closing.close(
                actor=actor,
                center=center,
                facts=facts,
                accepted=accepted(plan.rehomed),
                picture=plan.picture,
                now=NOW,
            )
        row.refresh_from_db()
        assert row.chair_id == chair.pk
        assert not Closure.objects.exists()

    def test_a_proposed_place_that_was_taken_meanwhile_leaves_nothing_half_done(
        self, center, day_suite, chair, book, actor
    ):
        first, second = book("2026-11-17T09:00-05:00"), book("2026-11-17T13:00-05:00")
        facts = shut(center, chair=chair)
        plan = preview(center, facts)
        slot = plan.rehomed[1].steps[0].slot
        book("2026-11-17T13:00-05:00", Chair.objects.select_related("unit__center").get(pk=slot.chair.id))
        with pytest.raises(Refused) as raised:
            closing.close(
                actor=actor,
                center=center,
                facts=facts,
                accepted=accepted(plan.rehomed),
                picture=plan.picture,
                now=NOW,
            )
        assert raised.value.refusals[0].code == "chair_is_free"
        for row in (first, second):
            row.refresh_from_db()
            assert row.chair_id == chair.pk
        assert not Closure.objects.exists()

    def test_the_desk_closes_a_chair_but_no_unit(self, center, day_suite, chair, desk):
        closing.close(
            actor=desk,
            center=center,
            facts=shut(center, chair=chair),
            accepted=[],
            picture=preview(center, shut(center, chair=chair)).picture,
            now=NOW,
        )
        facts = shut(center, unit=day_suite)
        with pytest.raises(Forbidden):
            closing.close(
                actor=desk,
                center=center,
                facts=facts,
                accepted=[],
                picture=preview(center, facts).picture,
                now=NOW,
            )

    def test_lifting_it_opens_the_chair_again(self, center, chair, desk, book):
        facts = shut(center, chair=chair)
        done = closing.close(
            actor=desk, center=center, facts=facts, accepted=[], picture=preview(center, facts).picture, now=NOW
        )
        with pytest.raises(Refused):
            book("2026-11-17T09:00-05:00")
        setup.remove_closure(actor=desk, closure=done.closure, now=NOW)
        book("2026-11-17T09:00-05:00")


@pytest.fixture
def small_day(center, day_suite):
    """Tuesday is published: two nurses, each for two patients and four points, 07:00 to 18:00."""
    UnitDay.objects.create(unit=day_suite, date=date(2026, 11, 17), shifts_published=True)
    for name in ("Ines Falk", "Jo Lund"):
        nurse = Nurse.objects.create(center=center, name=name)
        Shift.objects.create(
            nurse=nurse,
            unit=day_suite,
            starts_at=utc("2026-11-17T07:00-05:00"),
            ends_at=utc("2026-11-17T18:00-05:00"),
            patients=2,
            acuity=4,
        )
    return Nurse.objects.select_related("center").get(name="Ines Falk")


class TestANurseWhoIsAway:
    def over(self, book, day_suite):
        chairs = list(Chair.objects.select_related("unit__center").filter(unit=day_suite))
        return [
            book("2026-11-17T09:00-05:00", chairs[0]),
            book("2026-11-17T09:30-05:00", chairs[1]),
            book("2026-11-17T10:00-05:00", chairs[2]),
        ]

    def test_the_fewest_move_and_then_it_fits(self, small_day, day_suite, book):
        rows = self.over(book, day_suite)
        plan = absences.plan(Absence(small_day, HALF_EIGHT), now=HALF_EIGHT)
        assert plan.over
        assert plan.left == ()
        assert len(plan.rehomed) == 1
        [one] = plan.rehomed
        assert one.first in rows
        assert one.steps[0].slot.start.astimezone(center_zone(day_suite)).date() == date(2026, 11, 17)

    def test_where_the_others_can_carry_it_nobody_moves(self, small_day, day_suite, book):
        book("2026-11-17T09:00-05:00")
        plan = absences.plan(Absence(small_day, HALF_EIGHT), now=HALF_EIGHT)
        assert (plan.over, plan.rehomed) == ((), ())

    def test_saved_the_shift_ends_and_the_worklist_has_no_overload(self, center, small_day, day_suite, book, desk):
        self.over(book, day_suite)
        away = Absence(small_day, HALF_EIGHT)
        plan = absences.plan(away, now=HALF_EIGHT)
        moved = closing.take_off(
            actor=desk,
            absence=away,
            accepted=accepted(plan.rehomed),
            reason="Rang in",
            picture=plan.picture,
            now=HALF_EIGHT,
        )
        assert len(moved) == 1
        assert Shift.objects.get(nurse=small_day).ends_at == HALF_EIGHT
        assert not [item for item in worklist.items(center=center, now=HALF_EIGHT) if item.kind == "overload"]
        noted = Event.objects.get(verb="note-absence")
        assert (noted.subject, noted.subject_id, noted.reason) == ("nurse", small_day.pk, "Rang in")

    def test_nobody_accepted_leaves_the_overload_on_the_worklist(self, center, small_day, day_suite, book, desk):
        self.over(book, day_suite)
        away = Absence(small_day, HALF_EIGHT)
        plan = absences.plan(away, now=HALF_EIGHT)
        closing.take_off(actor=desk, absence=away, accepted=[], reason="Rang in", picture=plan.picture, now=HALF_EIGHT)
        assert [item for item in worklist.items(center=center, now=HALF_EIGHT) if item.kind == "overload"]

    def test_a_shift_that_has_not_begun_is_removed(self, small_day, desk):
        early = utc("2026-11-17T06:30-05:00")
        away = Absence(small_day, early)
        closing.take_off(
            actor=desk,
            absence=away,
            accepted=[],
            reason="Rang in",
            picture=absences.picture(away, now=early),
            now=early,
        )
        assert not Shift.objects.filter(nurse=small_day).exists()

    def test_the_auditor_may_not(self, center, small_day):
        away = Absence(small_day, HALF_EIGHT)
        with pytest.raises(Forbidden):
            closing.take_off(
                actor=make.make_actor(center, AUDITOR),
                absence=away,
                accepted=[],
                reason="Rang in",
                picture=absences.picture(away, now=HALF_EIGHT),
                now=HALF_EIGHT,
            )

    def test_a_day_that_is_not_published_says_so(self, small_day, day_suite, book):
        UnitDay.objects.update(shifts_published=False)
        plan = absences.plan(Absence(small_day, HALF_EIGHT), now=HALF_EIGHT)
        assert plan.unpublished == (day_suite,)
        assert plan.over == ()


class TestSheIsHereAfterAll:
    NINE = HALF_EIGHT + timedelta(minutes=90)

    @pytest.fixture
    def taken_off(self, center, small_day, day_suite, book, desk):
        """Ines is away from half past seven, and one visit has moved; with her break, which Jo covers."""
        shift, jo = Shift.objects.get(nurse=small_day), Nurse.objects.get(name="Jo Lund")
        shift.breaks.create(
            starts_at=utc("2026-11-17T12:00-05:00"), ends_at=utc("2026-11-17T12:30-05:00"), covered_by=jo
        )
        before = picture(small_day)
        TestANurseWhoIsAway().over(book, day_suite)
        gone = Absence(small_day, HALF_EIGHT)
        plan = absences.plan(gone, now=HALF_EIGHT)
        closing.take_off(
            actor=desk, absence=gone, accepted=accepted(plan.rehomed), reason="Rang in", picture=plan.picture,
            now=HALF_EIGHT,
        )  # fmt: skip
        assert picture(small_day) != before
        return before

    def test_her_shift_is_as_it_was_and_who_was_moved_stays(self, center, small_day, desk, taken_off):
        [one] = away(center.pk, self.NINE)
        assert (one.nurse, one.since, one.reason, one.moved) == (small_day, HALF_EIGHT, "Rang in", 1)
        places = list(Appointment.objects.order_by("pk").values_list("chair", "start"))
        returning.bring_back(actor=desk, center=center, noted=one.noted, now=self.NINE)
        assert picture(small_day) == taken_off
        assert list(Appointment.objects.order_by("pk").values_list("chair", "start")) == places
        assert away(center.pk, self.NINE) == []
        assert [event.verb for event in Event.objects.order_by("pk")][-2:] == ["change-shift", "end-absence"]

    def test_a_shift_that_was_removed_is_written_again(self, center, small_day, desk):
        early, before = utc("2026-11-17T06:30-05:00"), picture(small_day)
        gone = Absence(small_day, early)
        closing.take_off(
            actor=desk,
            absence=gone,
            accepted=[],
            reason="Rang in",
            picture=absences.picture(gone, now=early),
            now=early,
        )
        [one] = away(center.pk, early)
        returning.bring_back(actor=desk, center=center, noted=one.noted, now=early)
        assert picture(small_day) == before

    def test_twice_is_once(self, center, small_day, desk, taken_off):
        [one] = away(center.pk, self.NINE)
        returning.bring_back(actor=desk, center=center, noted=one.noted, now=self.NINE)
        with pytest.raises(Stale):
            returning.bring_back(actor=desk, center=center, noted=one.noted, now=self.NINE)
        assert picture(small_day) == taken_off

    def test_what_a_manager_wrote_since_stays(self, center, small_day, desk, taken_off):
        Shift.objects.filter(nurse=small_day).update(ends_at=HALF_EIGHT + timedelta(hours=2))
        after, [one] = picture(small_day), away(center.pk, self.NINE)
        with pytest.raises(Refused) as refused:
            returning.bring_back(actor=desk, center=center, noted=one.noted, now=self.NINE)
        assert "written anew since" in str(refused.value.refusals[0].say())
        assert picture(small_day) == after

    def test_another_shift_that_she_has_meanwhile_is_named(self, center, small_day, day_suite, desk, taken_off):
        Shift.objects.create(
            nurse=small_day, unit=day_suite, starts_at=self.NINE, ends_at=self.NINE + timedelta(hours=2)
        )
        [one] = away(center.pk, self.NINE)
        with pytest.raises(Refused) as refused:
            returning.bring_back(actor=desk, center=center, noted=one.noted, now=self.NINE)
        assert [each.code for each in refused.value.refusals] == ["nurse_is_free"]

    def test_a_shift_that_is_over_is_not_offered(self, center, small_day, taken_off):
        assert away(center.pk, utc("2026-11-17T18:00-05:00")) == []

    def test_noted_on_the_page_of_nurses_she_comes_back_too(self, center, small_day, day_suite, desk):
        before = picture(small_day)
        nurse_away.absent(actor=desk, unit=day_suite, nurse=small_day, day=date(2026, 11, 17), now=HALF_EIGHT)
        [one] = away(center.pk, self.NINE)
        returning.bring_back(actor=desk, center=center, noted=one.noted, now=self.NINE)
        assert picture(small_day) == before

    def test_another_centers_absence_is_not_found_and_the_auditor_may_not(self, center, small_day, taken_off):
        [one] = away(center.pk, self.NINE)
        other = make.make_center(name="Elsewhere")
        with pytest.raises(NotFound):
            returning.bring_back(actor=make.make_actor(other), center=other, noted=one.noted, now=self.NINE)
        with pytest.raises(Forbidden):
            returning.bring_back(actor=make.make_actor(center, AUDITOR), center=center, noted=one.noted, now=self.NINE)


def picture(nurse: Nurse) -> list[tuple]:
    """Her shifts with their breaks."""
    return [
        (
            shift.unit_id, shift.starts_at, shift.ends_at, shift.patients, shift.acuity,
            list(shift.breaks.values_list("starts_at", "ends_at", "covered_by")),
        )
        for shift in Shift.objects.filter(nurse=nurse)
    ]  # fmt: skip


def center_zone(unit):
    return unit.center.zone
