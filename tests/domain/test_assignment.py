"""Which nurse is suggested for which appointment: limits, breaks, continuity, few changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from scheduler.domain.assignment import suggest
from scheduler.domain.intervals import Interval
from scheduler.domain.watching import Pause, Task, Watcher, loads, over

EIGHT = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)  # 08:00 in New York
MARA, INES, PIA = 1, 2, 3


def at(hour: float) -> datetime:
    return EIGHT + timedelta(hours=hour - 8)


def between(first: float, last: float) -> Interval:
    return Interval(at(first), at(last))


def nurse(number: int, first: float = 8, last: float = 18, *, patients: int = 4, acuity: int = 8, pauses=()) -> Watcher:
    return Watcher(number, (between(first, last),), patients, acuity, tuple(pauses))


def task(key: int, first: float, hours: float = 1, *, acuity: int = 1, **values) -> Task:
    return Task(key, between(first, first + hours), at(first), acuity, **values)


def pause(first: float, last: float, cover: int | None = None) -> Pause:
    return Pause(between(first, last), cover)


def overs(watchers: list[Watcher], tasks: list[Task], nurses) -> list[tuple[int, datetime]]:
    """Where a nurse watches more patients or acuity than she can."""
    rows = loads(watchers, tasks, nurses)
    return [
        (each.nurse, quarter.start)
        for each in watchers
        for quarter in rows[each.nurse]
        if quarter.patients > each.patients or quarter.acuity > each.acuity
    ]


class TestLevel:
    def test_patients_at_the_same_time_are_shared(self):
        found = suggest([nurse(MARA), nurse(INES)], [task(key, 9 + key / 4, 3) for key in range(4)])
        assert sorted(found.nurses.values()) == [MARA, MARA, INES, INES]

    def test_two_that_start_at_once_go_to_two_nurses(self):
        tasks = [task(1, 9, 2), task(2, 10), task(3, 10)]
        found = suggest([nurse(MARA), nurse(INES)], tasks)
        assert found.nurses[2] != found.nurses[3]

    def test_acuity_counts_besides_heads(self):
        tasks = [task(1, 9, 3, acuity=4), task(2, 9.25, 3), task(3, 9.5, 3), task(4, 9.75, 3)]
        found = suggest([nurse(MARA), nurse(INES)], tasks)
        heavy = found.nurses[1]
        assert [found.nurses[key] for key in (2, 3, 4)].count(heavy) <= 1

    def test_a_day_of_one_after_the_other_is_shared_too(self):
        found = suggest([nurse(MARA), nurse(INES)], [task(key, 8 + key) for key in range(8)])
        assert sorted(found.nurses.values()).count(MARA) == 4


class TestLimits:
    def test_what_fits_nobody_stays_without_a_nurse(self):
        found = suggest([nurse(MARA, patients=1)], [task(1, 9, 2), task(2, 9.5, 2)])
        assert sorted(found.nurses.values(), key=str) == [MARA, None]
        assert len(found.unassigned) == 1

    def test_nobody_starts_before_she_comes_or_after_she_has_gone(self):
        found = suggest([nurse(MARA, 8, 12), nurse(INES, 12, 18)], [task(1, 9), task(2, 13), task(3, 19)])
        assert found.nurses == {1: MARA, 2: INES, 3: None}

    def test_rather_who_stays_to_the_end_of_the_observation(self):
        found = suggest([nurse(MARA, 8, 12), nurse(INES, 10, 18)], [task(1, 11, 3)])
        assert found.nurses == {1: INES}

    def test_where_nobody_stays_to_the_end_somebody_begins_all_the_same(self):
        assert suggest([nurse(MARA, 8, 12)], [task(1, 11, 3)]).nurses == {1: MARA}

    def test_without_nurses_nobody_is_suggested(self):
        assert suggest([], [task(1, 9)]).nurses == {1: None}

    def test_without_appointments_there_is_nothing_to_suggest(self):
        assert suggest([nurse(MARA)], []).nurses == {}


class TestBreaks:
    def test_the_cover_never_watches_more_than_she_can_meanwhile(self):
        watchers = [nurse(MARA, patients=2, pauses=[pause(12, 12.5, INES)]), nurse(INES, patients=2)]
        tasks = [task(1, 11, 2), task(2, 11.25, 2), task(3, 11.5, 2)]
        found = suggest(watchers, tasks)
        assert overs(watchers, tasks, found.nurses) == []
        assert len(found.unassigned) == 1

    def test_a_break_without_a_cover_is_left_free_where_it_can(self):
        watchers = [nurse(MARA, pauses=[pause(12, 12.5)]), nurse(INES)]
        assert suggest(watchers, [task(1, 11, 2)]).nurses == {1: INES}

    def test_nothing_starts_in_a_break_where_somebody_else_is_there(self):
        watchers = [nurse(MARA, pauses=[pause(12, 12.5, INES)]), nurse(INES)]
        assert suggest(watchers, [task(1, 11.5, 2), task(2, 12)]).nurses[2] == INES

    def test_meanwhile_her_patients_count_for_the_cover(self):
        watchers = [nurse(MARA, pauses=[pause(12, 12.5, INES)]), nurse(INES)]
        rows = loads(watchers, [task(1, 11, 2)], {1: MARA})
        seen = {each: [quarter.patients for quarter in rows[each]] for each in (MARA, INES)}
        noon = 16
        assert seen[MARA][noon - 1 : noon + 3] == [1, 0, 0, 1]
        assert seen[INES][noon - 1 : noon + 3] == [0, 1, 1, 0]

    def test_a_cover_who_is_on_break_herself_covers_nobody(self):
        watchers = [nurse(MARA, pauses=[pause(12, 12.5, INES)]), nurse(INES, pauses=[pause(12, 12.5)])]
        rows = loads(watchers, [task(1, 11, 2)], {1: MARA})
        assert sum(quarter.patients for quarter in rows[INES]) == 0

    def test_over_says_by_how_much(self):
        watcher = nurse(MARA, patients=1, acuity=2)
        rows = loads([watcher], [task(1, 9, 1, acuity=3), task(2, 9.5, 1, acuity=2)], {1: MARA, 2: MARA})
        assert max(over(watcher, quarter) for quarter in rows[MARA]) == 3


class TestContinuity:
    def test_the_nurse_of_the_last_visit_is_preferred(self):
        found = suggest([nurse(MARA), nurse(INES), nurse(PIA)], [task(1, 9, known=(PIA, MARA))])
        assert found.nurses == {1: PIA}

    def test_one_who_had_the_course_before_is_better_than_a_stranger(self):
        found = suggest([nurse(MARA), nurse(INES)], [task(1, 9, known=(PIA, INES))])
        assert found.nurses == {1: INES}

    def test_doses_of_a_day_stay_with_one_nurse(self):
        watchers = [nurse(MARA, 0, 24), nurse(INES, 0, 24)]
        found = suggest(watchers, [task(1, 1, course=7), task(2, 5), task(3, 9, course=7), task(4, 17, course=7)])
        assert found.nurses[1] == found.nurses[3] == found.nurses[4]


class TestChanges:
    def test_what_stands_is_kept_though_another_order_were_more_level(self):
        tasks = [task(key, 9 + key / 4, 2, nurse=MARA) for key in range(4)]
        found = suggest([nurse(MARA), nurse(INES)], tasks)
        assert set(found.nurses.values()) == {MARA}
        assert found.changed == ()

    def test_only_the_patients_of_who_is_ill_change(self):
        tasks = [task(key, 9 + key / 4, 2, nurse=(MARA, INES, PIA)[key % 3]) for key in range(9)]
        found = suggest([nurse(INES, patients=6, acuity=12), nurse(PIA, patients=6, acuity=12)], tasks)
        assert found.changed == (0, 3, 6)
        assert found.unassigned == ()

    def test_one_is_moved_where_otherwise_somebody_had_no_nurse(self):
        # 1 could be with both; only Mara is there when 2 starts, and she watches one at a time.
        watchers = [nurse(MARA, patients=1), nurse(INES, 10, 18, patients=1)]
        found = suggest(watchers, [task(1, 10, 2, nurse=MARA), task(2, 9.5, 2)])
        assert found.nurses == {1: INES, 2: MARA}
        assert found.changed == (1,)

    def test_set_by_hand_stays_even_above_the_limits(self):
        tasks = [task(1, 9, 2, nurse=MARA, is_fixed=True), task(2, 9.5, 2, nurse=MARA, is_fixed=True), task(3, 9.25, 2)]
        found = suggest([nurse(MARA, patients=1), nurse(INES, patients=1)], tasks)
        assert found.nurses == {1: MARA, 2: MARA, 3: INES}

    def test_set_by_hand_stays_with_a_nurse_who_is_not_there(self):
        found = suggest([nurse(INES)], [task(1, 9, nurse=MARA, is_fixed=True)])
        assert found.nurses == {1: MARA}

    def test_a_treatment_under_way_needs_no_start_again(self):
        under_way = Task(1, between(10, 12), at(9), 1, nurse=MARA)
        found = suggest([nurse(MARA, 8, 9.5), nurse(INES, 9.5, 18)], [under_way])
        assert found.nurses == {1: INES}


class TestClockChanges:
    def test_a_night_with_an_hour_twice_is_counted_in_real_hours(self):
        # 1 Nov 2026, New York: 01:30 comes twice, at 05:30 and 06:30 UTC.
        first, second = datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
        shift = Interval(datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 11, 1, 12, tzinfo=UTC))
        watchers = [Watcher(MARA, (shift,), 1, 4)]
        hour = timedelta(hours=1)
        tasks = [Task(1, Interval(first, first + hour), first, 1), Task(2, Interval(second, second + hour), second, 1)]
        assert suggest(watchers, tasks).unassigned == ()
