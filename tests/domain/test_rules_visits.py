"""Rules about the visit: its window, the order, the authorisation. Dates are local and inclusive."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from scheduler.domain.recurrence import Spread, window
from scheduler.domain.rules import Order, authorization_is_valid, order_is_valid, window_is_kept
from tests.domain.situations import NEW_YORK, clock, need, ny, proposal, situation

MINUTE = timedelta(minutes=1)


class TestWindowIsKept:
    WANTED = need(due=ny("2027-02-28 10:00"), window=window(Spread("days", 5, 7), ny("2027-02-28 10:00"), NEW_YORK))

    @pytest.mark.parametrize("at", ["2027-02-23 00:00", "2027-02-28 10:00", "2027-03-07 23:59"])
    def test_both_ends_are_inside(self, at):
        assert window_is_kept(proposal(ny(at), self.WANTED), situation()) is None

    @pytest.mark.parametrize("at", ["2027-02-22 23:59", "2027-03-08 00:00"])
    def test_a_minute_beyond_is_refused_with_the_window(self, at):
        refusal = window_is_kept(proposal(ny(at), self.WANTED), situation())
        assert not refusal.is_hard
        assert refusal.detail == (
            "This visit is due on Sun 28 Feb 2027, 10:00. "
            "Its window is from Tue 23 Feb 2027, 00:00 until Sun 7 Mar 2027, 23:59."
        )

    def test_minutes_before_and_after_are_both_inside(self):
        due = clock("17:00")
        wanted = need(due=due, window=window(Spread("minutes", 60, 60), due, NEW_YORK))
        for minutes in (-60, 0, 60):
            assert window_is_kept(proposal(due + minutes * MINUTE, wanted), situation()) is None
        for minutes in (-61, 61):
            assert window_is_kept(proposal(due + minutes * MINUTE, wanted), situation()) is not None

    def test_what_is_not_due_has_no_window(self):
        assert window_is_kept(proposal(clock("10:00")), situation()) is None


class TestOrderAndAuthorisation:
    @pytest.mark.parametrize(
        ("rule", "names", "what"),
        [
            (order_is_valid, ("order_from", "order_until"), "order"),
            (authorization_is_valid, ("authorization_from", "authorization_until"), "authorisation"),
        ],
    )
    def test_cover_the_local_day_of_the_start_with_both_ends(self, rule, names, what):
        wanted = need(order=Order(**{names[0]: date(2026, 11, 30), names[1]: date(2026, 12, 31)}))
        for inside in ("2026-11-30 00:00", "2026-12-31 23:59"):  # 04:59 UTC on the next day
            assert rule(proposal(ny(inside), wanted), situation()) is None
        early = rule(proposal(ny("2026-11-29 23:59"), wanted), situation())
        late = rule(proposal(ny("2027-01-01 00:00"), wanted), situation())
        assert early.detail == f"The {what} begins on Mon 30 Nov 2026, after this visit."
        assert late.detail == f"The {what} ends on Thu 31 Dec 2026, before this visit."
        assert not early.is_hard
        assert not late.is_hard
        assert (early.code, late.code) == (rule.__name__, rule.__name__)

    def test_without_dates_everything_is_covered(self):
        for rule in (order_is_valid, authorization_is_valid):
            assert rule(proposal(clock("10:00")), situation()) is None

    def test_only_so_many_visits_are_authorised(self):
        order = Order(authorization_visits=2)
        assert authorization_is_valid(proposal(clock("10:00"), need(order=order, ordinal=2)), situation()) is None
        refusal = authorization_is_valid(proposal(clock("10:00"), need(order=order, ordinal=3)), situation())
        assert refusal.detail == "2 visits are authorised, and this is visit 3."
        none = authorization_is_valid(
            proposal(clock("10:00"), need(order=Order(authorization_visits=0), ordinal=1)), situation()
        )
        assert none is not None

    def test_facts_are_json_with_dates_as_iso(self):
        wanted = need(order=Order(order_until=date(2026, 11, 1)))
        refusal = order_is_valid(proposal(clock("10:00"), wanted), situation())
        assert refusal.as_json() == {
            "code": "order_is_valid",
            "detail": "The order ends on Sun 1 Nov 2026, before this visit.",
            "facts": {"until": "2026-11-01"},
            "hard": False,
        }
