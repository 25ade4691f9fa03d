"""The sentences that say why a start is proposed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from scheduler.domain.placement import Wishes
from tests.domain.placing import ANY, at, days, local, ranked

MONDAY, TUESDAY = 0, 1


class TestReasons:
    horizon = days((2027, 6, 1), (2027, 6, 14))
    due = local(2027, 6, 8, 10)

    def said(self, start: datetime, wishes: Wishes = ANY, **more: Any) -> list[str]:
        found = ranked(self.horizon, {4: at(self.horizon, start)}, self.due, wishes, load_share=lambda _: 0.9, **more)
        return [reason.sentence.format(**reason.facts) for reason in found[0].reasons]

    def test_on_the_day_and_hour(self) -> None:
        assert self.said(self.due) == ["On its due day.", "At 10:00, as asked."]

    def test_later_days_and_minutes_are_counted(self) -> None:
        assert self.said(local(2027, 6, 9, 10, 30)) == [
            "1 day after its due day.",
            "30 min later than 10:00, which was asked for.",
        ]

    def test_earlier_days_and_minutes_are_counted(self) -> None:
        assert self.said(local(2027, 6, 6, 9, 15)) == [
            "2 days before its due day.",
            "45 min earlier than 10:00, which was asked for.",
        ]
        assert self.said(local(2027, 6, 7, 10))[0] == "1 day before its due day."
        assert self.said(local(2027, 6, 11, 10))[0] == "3 days after its due day."

    def test_wishes_met_are_told(self) -> None:
        wishes = Wishes(
            part_of_day="morning",
            weekdays=frozenset({TUESDAY}),
            chair=4,
            last_chair=4,
            kinds=frozenset({"bed"}),
        )
        assert self.said(self.due, wishes, chair_kinds={4: "bed"}) == [
            "On its due day.",
            "In the morning, as asked.",
            "On a weekday that was asked for.",
            "In the chair that was asked for.",
            "Same chair as last time.",
            "In the kind of chair that was asked for.",
        ]

    def test_wishes_not_met_are_told(self) -> None:
        wishes = Wishes(part_of_day="evening", weekdays=frozenset({MONDAY}), chair=1, last_chair=2)
        assert self.said(self.due, wishes) == [
            "On its due day.",
            "Not in the evening, as was asked.",
            "Not on a weekday that was asked for.",
        ]
