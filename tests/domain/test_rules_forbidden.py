"""Starts forbidden as intervals, for the search, against the two rules asked minute by minute."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.protocols import RollingCap
from scheduler.domain.recurrence import Gap
from scheduler.domain.rules import (
    DoseFact,
    Order,
    PatientFacts,
    Proposal,
    interval_is_kept,
    rolling_cap_is_kept,
)
from scheduler.domain.rules.forbidden import forbidden_starts
from tests.domain.situations import CHAIR, HERE, NEW_YORK, clock, dhe, dose, need, ny, proposal, situation

MINUTE = timedelta(minutes=1)
# Around both clock changes, and a zone whose offset is no whole hour.
ORIGINS = [ny("2026-11-01 00:00"), ny("2027-03-14 00:00"), ny("2026-11-30 00:00")]
ZONES = [NEW_YORK, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/Santiago")]
milligrams = st.integers(0, 6).map(lambda half: Decimal(half) / 2)
gaps = st.one_of(
    st.none(),
    st.integers(0, 900).map(lambda n: Gap("minutes", n)),
    st.integers(0, 3).map(lambda n: Gap("days", n)),
)
caps = st.builds(
    RollingCap,
    counts=st.sampled_from(["doses", "mg"]),
    limit=st.integers(1, 4).map(Decimal),
    within_minutes=st.integers(1, 2000),
    attestable=st.booleans(),
    source=st.just("test"),
)


@settings(max_examples=150, deadline=None)
@given(
    origin=st.sampled_from(ORIGINS),
    zone=st.sampled_from(ZONES),
    doses=st.lists(st.tuples(st.integers(-2500, 4000), milligrams), max_size=6),
    gap=gaps,
    found=st.lists(caps, max_size=2),
    mg=milligrams,
    is_attested=st.booleans(),
    extra=st.lists(st.integers(-4000, 5000), max_size=30),
)
def test_forbidden_starts_are_those_that_the_rules_refuse(origin, zone, doses, gap, found, mg, is_attested, extra):
    wanted = need(
        substance="dihydroergotamine", mg=mg, gap=gap, caps=tuple(found), order=Order(is_attested=is_attested)
    )
    facts = [DoseFact(origin + at * MINUTE, amount, "given", center=HERE) for at, amount in doses]
    forbidden = forbidden_starts(wanted, facts, zone)
    there = situation(patient=PatientFacts(doses=facts))
    # Both sides of every edge, and some minutes anywhere.
    edges = {edge for one in forbidden for edge in (one.start, one.end)} | {fact.at for fact in facts}
    moments = {edge + n * MINUTE for edge in edges for n in (-1, 0, 1)} | {origin + n * MINUTE for n in extra}
    for moment in moments:
        if not 1971 < moment.year < 2199:
            continue
        asked = Proposal(need=wanted, chair=CHAIR, start=moment, zone=zone, center=HERE)
        is_refused = interval_is_kept(asked, there) is not None or rolling_cap_is_kept(asked, there) is not None
        assert is_refused == any(one.contains(moment) for one in forbidden), moment


@settings(max_examples=8, deadline=None)
@given(
    doses=st.lists(st.tuples(st.integers(-30 * 60, 30 * 60), milligrams), min_size=1, max_size=5),
    mg=milligrams,
)
def test_for_dhe_they_agree_at_every_minute_of_three_days(doses, mg):
    wanted = dhe(mg=mg)
    facts = [dose(clock("00:00") + at * MINUTE, str(amount)) for at, amount in doses]
    forbidden = forbidden_starts(wanted, facts, NEW_YORK)
    there = situation(patient=PatientFacts(doses=facts))
    for n in range(-36 * 60, 36 * 60):
        moment = clock("00:00") + n * MINUTE
        asked = proposal(moment, wanted)
        is_refused = interval_is_kept(asked, there) is not None or rolling_cap_is_kept(asked, there) is not None
        assert is_refused == any(one.contains(moment) for one in forbidden), moment


def test_they_are_sorted_and_merged():
    facts = [dose(clock("20:00")), dose(clock("10:00")), dose(clock("12:00"))]
    forbidden = forbidden_starts(dhe(caps=()), facts, NEW_YORK)
    assert [(one.start, one.end) for one in forbidden] == [(clock("03:01"), clock("20:00") + timedelta(hours=7))]


def test_nothing_is_forbidden_without_a_substance():
    assert forbidden_starts(need(), [dose(clock("10:00"))], NEW_YORK) == []
