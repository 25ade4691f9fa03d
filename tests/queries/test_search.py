"""The search finds exactly the starts that the rules would pass, and reads the database in few queries."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.intervals import Interval, merged, subtract
from scheduler.domain.localtime import quarter_hours
from scheduler.domain.placement import Wishes
from scheduler.domain.protocols import RollingCap
from scheduler.domain.recurrence import Gap
from scheduler.domain.rules import ChairFacts, Closed, DoseFact, Order, PatientFacts, Taken, UnitFacts
from scheduler.domain.staffing import Care, PatternFacts, capacity
from scheduler.queries import needs
from scheduler.queries.nearby import nearest
from scheduler.queries.search import GRID_MINUTES, Ground, best_slots, ground, possible_starts
from scheduler.queries.slots import slots
from scheduler.services import booking
from scheduler.services.settle import Override
from tests import factories as make
from tests.domain.situations import ELSEWHERE, HERE, need
from tests.factories import NOW, utc
from tests.services.steps import MONDAY, book, chairs, start_course

MINUTE = timedelta(minutes=1)
ORIGINS = [utc("2026-11-30T05:00"), utc("2026-11-01T04:00"), utc("2027-03-14T05:00")]  # midnights in New York
NEW_YORK = ZoneInfo("America/New_York")
DAY = 24 * 60


def spans(longest: int = 300, reach: int = 30 * 60):
    """(start, minutes) relative to the midnight."""
    return st.tuples(st.integers(-300, reach), st.integers(1, longest))


@st.composite
def worlds(draw) -> tuple[Ground, object, Interval, list[datetime]]:
    origin = draw(st.sampled_from(ORIGINS))

    def interval(pair):
        return Interval(origin + pair[0] * MINUTE, origin + (pair[0] + pair[1]) * MINUTE)

    def some(strategy, most):
        return draw(st.lists(strategy, max_size=most))

    lengths = draw(st.tuples(st.integers(0, 70), st.integers(1, 120), st.integers(0, 60), st.integers(0, 20)))
    substance = draw(st.sampled_from(["", "dihydroergotamine"]))
    whole = Interval(origin - timedelta(hours=12), origin + timedelta(hours=54))
    hours = merged(interval(pair) for pair in some(spans(900), 4)) or [whole]
    closures = [interval(pair) for pair in some(spans(), 2)]
    open_ = tuple(subtract(hours, closures))
    closed = [Closed(one, "Holiday") for one in closures]
    closed += [Closed(interval(pair), "Repair", chair=1) for pair in some(spans(), 1)]
    stays = st.sampled_from([None, None, 5, 6])  # course 5 is the one that is placed
    taken = {
        chair: [Taken(interval(pair), draw(st.integers(1, 9)), draw(stays), HERE) for pair in some(spans(120), 4)]
        for chair in (1, 2)
    }
    patterns = [
        PatternFacts(interval(pair), *numbers)
        for pair, *numbers in some(st.tuples(spans(1500), st.integers(0, 2), st.integers(0, 4), st.integers(0, 8)), 4)
    ] or [PatternFacts(whole, 2, 3, 6)]
    quarters = quarter_hours(whole)
    cares = [
        (
            draw(st.integers(1, 9)),
            Care(one, one.start + MINUTE * draw(st.integers(0, one.minutes - 1)), draw(st.integers(1, 4))),
        )
        for one in (interval(pair) for pair in some(spans(120), 5))
    ]
    patient = PatientFacts(
        taken=[
            Taken(interval(pair), draw(st.integers(1, 9)), draw(stays), draw(st.sampled_from([HERE, ELSEWHERE])))
            for pair in some(spans(120), 3)
        ],
        doses=[
            DoseFact(origin + at * MINUTE, Decimal(mg) / 2, "given", draw(st.sampled_from([None, 1, 2, 3])), HERE)
            for at, mg in some(st.tuples(st.integers(-2000, 4000), st.integers(0, 3)), 4)
        ],
    )
    caps = (
        RollingCap("doses", Decimal(3), 23 * 60, attestable=False, source="test"),
        RollingCap("mg", Decimal(2), 24 * 60, attestable=True, source="test"),
    )
    today = origin.astimezone(NEW_YORK).date()

    def dates() -> list[date | None]:
        """From and until, in this order; either may be open."""
        first, last = sorted(draw(st.tuples(st.integers(-2, 3), st.integers(-2, 3))))
        return [draw(st.sampled_from([None, today + timedelta(days=n)])) for n in (first, last)]

    order, authorization = dates(), dates()
    wanted = need(
        lengths=lengths,
        acuity=draw(st.integers(1, 4)),
        needs_bed=draw(st.booleans()),
        substance=substance,
        mg=Decimal("0.5"),
        gap=draw(st.sampled_from([None, Gap("minutes", 420), Gap("days", 1)])),
        caps=draw(st.sampled_from([(), caps])),
        ordinal=draw(st.integers(1, 3)),
        course=5,
        window=draw(st.one_of(st.none(), spans(900).map(interval))),
        order=Order(
            order_from=order[0],
            order_until=order[1],
            authorization_from=authorization[0],
            authorization_until=authorization[1],
            authorization_visits=draw(st.sampled_from([None, 0, 2])),
            is_attested=draw(st.booleans()),
        ),
    )
    unit = UnitFacts(
        id=1,
        name="Suite",
        center=HERE,
        zone=NEW_YORK,
        span=whole,
        open=open_,
        closed=tuple(closed),
        chairs={
            1: ChairFacts(1, "Chair 1", "recliner"),
            2: ChairFacts(2, "Bed 2", "bed"),
            3: ChairFacts(3, "Bed 3", "bed", is_active=False),
        },
        taken=taken,
        capacity=capacity(quarters, [], patterns),
        cares=cares,
    )
    where = Ground(unit=unit, patient=patient, ignoring=frozenset(draw(st.sets(st.integers(1, 9), max_size=2))))
    span = interval(draw(spans(240, DAY)))
    also = [span.start + MINUTE * draw(st.integers(0, span.minutes))]
    return where, wanted, span, also


@settings(max_examples=120, deadline=None)
@given(worlds())
def test_possible_starts_are_those_that_no_rule_refuses(world):
    where, wanted, span, also = world
    horizon, starts = possible_starts(where, wanted, span, also=also)
    grid = [
        moment
        for moment in (span.start + n * MINUTE for n in range(span.minutes))
        if int(moment.timestamp()) // 60 % GRID_MINUTES == 0
    ]
    for moment in {*grid, *(one for one in also if span.contains(one))}:
        for chair in where.unit.chairs.values():
            is_found = bool(starts.get(chair.id, 0) >> horizon.index(moment) & 1)
            said = where.refusals(wanted, chair, moment)
            assert is_found == (said == []), (moment, chair.name, [refusal.detail for refusal in said])


@settings(max_examples=30, deadline=None)
@given(worlds())
def test_nothing_is_found_outside_the_span(world):
    where, wanted, span, also = world
    horizon, starts = possible_starts(where, wanted, span, also=also)
    for bits in starts.values():
        index = 0
        while bits:
            if bits & 1:
                assert span.contains(horizon.moment(index))
            bits >>= 1
            index += 1


@settings(max_examples=30, deadline=None)
@given(worlds())
def test_without_the_window_only_the_window_is_set_aside(world):
    where, wanted, span, also = world
    assert possible_starts(where, wanted, span, also=also, keep_window=False) == possible_starts(
        where, replace(wanted, window=None), span, also=also
    )


@pytest.fixture
def unit(db):
    unit = make.make_day_suite()
    for _ in range(3):
        make.make_chair(unit)
    return unit


@pytest.fixture
def actor(unit):
    return make.make_actor(unit.center)


class TestGround:
    """What is read from the database."""

    def where(self, unit, wanted, start=MONDAY, hours=8, patient=None, **values):
        return ground(
            unit=unit,
            patient_id=patient.pk if patient else None,
            need=wanted,
            span=Interval(start, start + timedelta(hours=hours)),
            now=values.pop("now", NOW),
            **values,
        )

    def test_the_number_of_queries_does_not_grow_with_the_bookings(
        self, unit, actor, django_assert_max_num_queries, django_assert_num_queries
    ):
        patient = make.make_patient(unit.center)
        wanted = needs.for_protocol(make.make_rescue())
        with django_assert_max_num_queries(14) as few:
            self.where(unit, wanted, hours=24 * 60, patient=patient)
        for n, chair in enumerate(chairs(unit)):
            book(actor, chair, MONDAY + timedelta(days=n), patient=patient)
            book(actor, chair, MONDAY + timedelta(days=n, hours=2))
        with django_assert_num_queries(len(few)):
            self.where(unit, wanted, hours=24 * 60, patient=patient)

    def test_an_expired_hold_takes_nothing(self, unit, actor):
        patient = make.make_patient(unit.center)
        held = booking.hold(actor=actor, chair=chairs(unit)[0], start=MONDAY, minutes=60, patient=patient, now=NOW)
        wanted = needs.for_minutes(60)
        assert self.where(unit, wanted, patient=patient).unit.taken[held.chair_id]
        later = self.where(unit, wanted, patient=patient, now=NOW + timedelta(minutes=5))
        assert later.unit.taken[held.chair_id] == []
        assert (later.patient.taken, list(later.unit.cares)) == ([], [])

    def test_a_hold_of_a_dose_counts_as_a_dose_until_it_expires(self, unit, actor):
        bed = make.make_bed(make.make_night_suite(unit.center))
        patient, protocol = make.make_patient(unit.center), make.make_dhe()
        booking.hold(actor=actor, chair=bed, start=MONDAY, protocol=protocol, patient=patient, now=NOW)
        wanted = needs.for_protocol(protocol)
        assert [one.kind for one in self.where(unit, wanted, patient=patient).patient.doses] == ["booked"]
        assert self.where(unit, wanted, patient=patient, now=NOW + timedelta(minutes=5)).patient.doses == []

    def test_extra_opening_closures_and_published_shifts(self, unit):
        saturday = utc("2026-12-05T09:00-05:00")
        wanted = needs.for_minutes(60)
        assert best_slots(self.where(unit, wanted, saturday), wanted, _hours(saturday, 8), wishes=Wishes()) == []
        make.make_closure(unit.center, "2026-12-05T10:00-05:00", "2026-12-05T14:00-05:00", unit=unit, kind="open")
        from scheduler.models import Nurse, UnitDay

        UnitDay.objects.create(unit=unit, date=date(2026, 12, 5), shifts_published=True)
        nurse = Nurse.objects.create(center=unit.center, name="Noor")
        shift = unit.shifts.create(
            nurse=nurse, starts_at=utc("2026-12-05T10:00-05:00"), ends_at=utc("2026-12-05T14:00-05:00")
        )
        shift.breaks.create(starts_at=utc("2026-12-05T12:00-05:00"), ends_at=utc("2026-12-05T12:30-05:00"))
        found = best_slots(self.where(unit, wanted, saturday), wanted, _hours(saturday, 8), wishes=Wishes(), limit=99)
        clocks = sorted(f"{slot.start.astimezone(NEW_YORK):%H:%M}" for slot in found)
        assert clocks == ["10:00", "10:15", "10:30", "10:45", "11:00", "12:30", "12:45", "13:00"]

    def test_a_day_without_published_shifts_goes_by_the_pattern(self, unit):
        unit.staffing_patterns.filter(weekday=0).update(nurses=0, patients=0, acuity=0)
        wanted = needs.for_minutes(60)
        found = best_slots(self.where(unit, wanted, hours=48), wanted, _hours(MONDAY, 48), wishes=Wishes(), limit=1)
        assert found[0].start == utc("2026-12-01T08:00-05:00")


def _hours(start: datetime, hours: int) -> Interval:
    return Interval(start, start + timedelta(hours=hours))


class TestSlots:
    def test_what_it_proposes_can_be_booked(self, unit, actor):
        for n in range(6):
            book(actor, chairs(unit)[n % 3], MONDAY + timedelta(hours=n // 3))
        found = slots(center=unit.center, unit=unit, minutes=60, from_=MONDAY, to=MONDAY + timedelta(days=1), now=NOW)
        assert found.slots
        assert found.refusals == ()
        known = {chair.pk: chair for chair in chairs(unit)}
        best = found.slots[0]
        assert book(actor, known[best.chair.id], best.start).status == "booked"

    def test_best_first_and_no_more_than_asked_for(self, unit):
        found = slots(
            center=unit.center, unit=unit, minutes=30, from_=MONDAY, to=MONDAY + timedelta(days=9), limit=7, now=NOW
        )
        assert len(found.slots) == 7
        assert [slot.score for slot in found.slots] == sorted(slot.score for slot in found.slots)
        assert found.slots[0].start == MONDAY

    def test_none_says_why_and_what_is_nearest(self, unit, actor):
        make.make_closure(unit.center, "2026-11-30T00:00-05:00", "2026-12-01T00:00-05:00", reason="Burst pipe")
        found = slots(center=unit.center, unit=unit, minutes=60, from_=MONDAY, to=MONDAY + timedelta(hours=6), now=NOW)
        assert found.slots == ()
        assert "Burst pipe" in found.refusals[0].detail
        assert found.alternatives
        assert all(slot.start >= utc("2026-12-01T00:00-05:00") or slot.start < MONDAY for slot in found.alternatives)

    def test_never_in_the_past(self, unit):
        now = MONDAY + timedelta(hours=2, seconds=30)
        found = slots(
            center=unit.center, unit=unit, minutes=60, from_=MONDAY, to=MONDAY + timedelta(hours=7), limit=200, now=now
        )
        assert min(slot.start for slot in found.slots) >= now

    @pytest.mark.parametrize(
        ("field", "values"),
        [
            ("minutes", {"minutes": 0}),
            ("minutes", {"minutes": None}),
            ("minutes", {"minutes": 721}),
            ("to", {"to": MONDAY}),
            ("to", {"to": MONDAY - MINUTE}),
            ("to", {"to": MONDAY + timedelta(days=101)}),
            ("to", {"from_": NOW - timedelta(days=2), "to": NOW - timedelta(days=1)}),
            ("from", {"from_": datetime(2026, 11, 30, 10, 0)}),  # noqa: DTZ001 - that is the point
            ("to", {"to": datetime(2026, 12, 1, 10, 0)}),  # noqa: DTZ001
            ("limit", {"limit": 0}),
            ("limit", {"limit": 10**6}),
            ("from", {"from_": utc("9999-12-30T00:00"), "to": utc("9999-12-31T00:00")}),
            ("from", {"from_": NOW + timedelta(days=5 * 366), "to": NOW + timedelta(days=5 * 366 + 1)}),
        ],
    )
    def test_bad_input_names_its_field(self, unit, field, values):
        from scheduler.domain.errors import Malformed

        asked = {"minutes": 60, "from_": MONDAY, "to": MONDAY + timedelta(days=1), **values}
        with pytest.raises(Malformed) as malformed:
            slots(center=unit.center, unit=unit, now=NOW, **asked)
        assert malformed.value.field == field

    def test_for_a_visit_its_window_and_its_interval_are_kept(self, unit, actor):
        course = start_course(actor, unit, make.make_quarterly(), MONDAY)
        visit = course.visits.select_related("course__protocol", "course__center", "course__patient").get(ordinal=2)
        first = course.visits.select_related("course__protocol", "course__center", "course__patient").get(ordinal=1)
        late = Override(frozenset({"window_is_kept"}), "She travels.")
        book(actor, chairs(unit)[0], MONDAY + timedelta(days=14), visit=first, override=late)
        visit.refresh_from_db()

        def days(from_, to):
            found = slots(center=unit.center, unit=unit, visit=visit, from_=from_, to=to, limit=200, now=NOW)
            return {slot.start.astimezone(NEW_YORK).date() for slot in found.slots}

        # Given on 14 Dec, due on 14 Mar: the window begins on Tue 9 Mar and ends on Sun 21 Mar.
        assert min(days(utc("2027-02-20T00:00-05:00"), utc("2027-03-11T00:00-05:00"))) == date(2027, 3, 9)
        assert max(days(utc("2027-03-18T00:00-04:00"), utc("2027-03-31T00:00-04:00"))) == date(2027, 3, 19)


class TestNearest:
    def test_alternatives_differ_and_pass_every_rule(self, unit, actor):
        wanted = needs.for_minutes(60)
        for chair in chairs(unit):
            book(actor, chair, MONDAY)
        where = TestGround().where(unit, wanted, MONDAY - timedelta(days=8), hours=24 * 16)
        found = nearest(where, wanted, MONDAY, chair=chairs(unit)[0].pk, now=NOW)
        assert len({(slot.start, slot.chair.id) for slot in found}) == 3
        assert all(where.refusals(wanted, slot.chair, slot.start) == [] for slot in found)
        assert found[0].start in (MONDAY + timedelta(hours=1), MONDAY - timedelta(hours=1))
