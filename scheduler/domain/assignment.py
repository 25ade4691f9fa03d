"""A suggestion of which nurse watches which appointment of a day.

What it wants, the first before the second and so on:

1. Never more patients or acuity points for a nurse in any quarter hour, those of a break that she covers included, than
   she can watch. What fits nobody stays unassigned: a person decides.
2. As few appointments as possible unassigned.
3. As few changes as possible: what stands and is possible stays. Set by hand stays in any case.
4. The least cost by the weights below: level starts, patients and acuity, continuity, breaks without a cover left free.

The same facts give the same suggestion. Days of a few appointments are searched through; in larger ones what is around
an appointment without a nurse is, up to a fixed number of steps, so that no day takes long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scheduler.domain.watching import Floor, Task, Watcher, Way

# The weights of step 4, in points. One more patient at once on a nurse with 4 is about 4 to 28 points a quarter hour.
WEIGH_START = 60  # a second treatment of one nurse starting in the same quarter hour; a third twice that
WEIGH_PATIENTS = 16  # a quarter hour, times patients squared by the limit
WEIGH_ACUITY = 16  # a quarter hour, times acuity squared by the limit
WEIGH_DAY = 6  # times the patients of a nurse's day squared: 9 and 8 rather than 12 and 5
WEIGH_STRANGER = 70  # somebody who never had this course, where one who did could have it
WEIGH_NOT_LAST = 25  # somebody who had it, but not last
WEIGH_OTHER_DOSE = 40  # another nurse than for the dose before of the same course on the same day
WEIGH_START_IN_BREAK = 90  # the cover would have to start it
WEIGH_UNCOVERED = 50  # a quarter hour of a break that nobody covers
WEIGH_AFTER_SHIFT = 30  # a quarter hour after her shift: somebody has to take over

ROUNDS = 8  # of improvement
FEW = 9  # that are searched through at once
SEARCHED = 6_000  # places looked at in a search


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`nurses` has every task's nurse, None where no nurse can; `changed` are the tasks that had another one before."""

    nurses: Mapping[int, int | None]
    changed: tuple[int, ...]

    @property
    def unassigned(self) -> tuple[int, ...]:
        return tuple(key for key, nurse in self.nurses.items() if nurse is None)


def suggest(watchers: Iterable[Watcher], tasks: Iterable[Task]) -> Suggestion:
    """The suggestion. Nurses and tasks are taken by number, whatever order they come in."""
    rows = sorted(tasks, key=lambda task: (task.interval.start, task.start, task.key))
    day = _Day(sorted(watchers, key=lambda watcher: watcher.nurse), rows)
    day.keep()
    day.place()
    day.make_room()
    day.search()
    day.improve()
    return day.suggestion()


@dataclass
class _Day:
    """Where each task is: the nurse's place in the row, or None."""

    watchers: Sequence[Watcher]
    tasks: list[Task]
    at: list[int | None] = field(init=False)

    def __post_init__(self) -> None:
        self.floor = Floor(self.watchers, self.tasks)
        self.at = [None] * len(self.tasks)
        self.was = [self.floor.place.get(task.nurse) if task.nurse is not None else None for task in self.tasks]
        self.fixed = [task.is_fixed and task.nurse is not None for task in self.tasks]
        self.ways: list[dict[int, Way]] = [
            {place: way for place in range(len(self.watchers)) if (way := self.floor.way(task, place)) is not None}
            for task in self.tasks
        ]
        self.total = [0] * len(self.watchers)
        self.doses: dict[int, list[int]] = {}
        for index, task in enumerate(self.tasks):
            if task.course is not None:
                self.doses.setdefault(task.course, []).append(index)

    def put(self, index: int, place: int | None) -> None:
        before = self.at[index]
        for each, sign in ((before, -1), (place, 1)):
            if each is not None:
                way = self.ways[index].get(each) or self.floor.anyhow(self.tasks[index], each)
                self.floor.add(self.tasks[index], way, sign)
                self.total[each] += sign
        self.at[index] = place

    def fits(self, index: int, place: int) -> bool:
        return self.floor.fits(self.tasks[index], self.ways[index][place])

    def keep(self) -> None:
        """What was set by hand, then what stands and is possible."""
        for index, was in enumerate(self.was):
            if self.fixed[index]:
                self.put(index, was)
        for index, was in enumerate(self.was):
            if not self.fixed[index] and was is not None and was in self.ways[index] and self.fits(index, was):
                self.put(index, was)

    def place(self) -> None:
        """Those left, the hardest first, each where it costs least."""
        left = [index for index in range(len(self.tasks)) if self.at[index] is None and not self.fixed[index]]
        for index in sorted(left, key=lambda each: (len(self.ways[each]), each)):
            self.put(index, self.best(index))

    def best(self, index: int) -> int | None:
        can = [place for place in self.ways[index] if self.fits(index, place)]
        return min(can, key=lambda place: (self.cost(index, place), place), default=None)

    def make_room(self) -> None:
        """Where one has no nurse: move one other away, rather one that is not settled yet."""
        for index in self.open():
            for other in sorted(self.around(index), key=lambda each: (self.is_settled(each), each)):
                if self.at[index] is None:
                    self._swap_in(index, other)

    def _swap_in(self, index: int, other: int) -> None:
        there = self.at[other]
        if there is None or there not in self.ways[index]:
            return
        self.put(other, None)
        if self.fits(index, there):
            self.put(index, there)
            new = self.best(other)
            if new is not None:
                self.put(other, new)
                return
            self.put(index, None)
        self.put(other, there)

    def around(self, index: int) -> list[int]:
        """Those that may move and share time with it."""
        span = self.tasks[index].interval
        return [
            other
            for other, task in enumerate(self.tasks)
            if other != index and not self.fixed[other] and self.at[other] is not None and task.interval.overlaps(span)
        ]

    def open(self) -> list[int]:
        """Without a nurse, though some could have it."""
        return [
            index
            for index in range(len(self.tasks))
            if self.at[index] is None and self.ways[index] and not self.fixed[index]
        ]

    def is_settled(self, index: int) -> bool:
        return self.was[index] is not None and self.at[index] == self.was[index]

    def search(self) -> None:
        """Where somebody has no nurse yet, or more had to change than cannot stand: whether another order does better,
        of the few that are concerned."""
        movable = [index for index in range(len(self.tasks)) if not self.fixed[index] and self.ways[index]]
        if len(movable) <= FEW:
            _Search(self, movable).run()
            return
        for index in self.open():
            if self.at[index] is None:
                near = sorted(self.around(index), key=lambda each: (self.is_settled(each), each))
                _Search(self, sorted([index, *near[: FEW - 1]])).run()

    def score(self, of: Iterable[int]) -> tuple[int, int]:
        """How many have no nurse, and how many another than before: the fewer the better."""
        rows = [(self.was[index], self.at[index]) for index in of]
        return sum(at is None for _was, at in rows), sum(was is not None and was != at for was, at in rows)

    def improve(self) -> None:
        """Move, and swap those that share time, as long as it costs less; what stood stays."""
        free = [
            index
            for index, place in enumerate(self.at)
            if place is not None and not self.fixed[index] and not self.is_settled(index)
        ]
        for _round in range(ROUNDS):
            moved = [index for index in free if self._move(index)]
            swapped = [
                one
                for number, one in enumerate(free)
                for other in free[number + 1 :]
                if self.tasks[one].interval.overlaps(self.tasks[other].interval) and self._swap(one, other)
            ]
            if not moved and not swapped:
                return

    def _move(self, index: int) -> bool:
        before = self.at[index]
        assert before is not None
        self.put(index, None)
        cost, best = self.cost(index, before), before
        for place in self.ways[index]:
            if place != before and self.fits(index, place) and (dearer := self.cost(index, place)) < cost:
                cost, best = dearer, place
        self.put(index, best)
        return best != before

    def _swap(self, one: int, other: int) -> bool:
        here, there = self.at[one], self.at[other]
        if (
            here is None
            or there is None
            or here == there
            or there not in self.ways[one]
            or here not in self.ways[other]
        ):
            return False
        before = self._off(other) + self._off(one)
        if self.fits(one, there):
            after = self.cost(one, there)
            self.put(one, there)
            if self.fits(other, here) and after + self.cost(other, here) < before:
                self.put(other, here)
                return True
            self.put(one, None)
        self.put(one, here)
        self.put(other, there)
        return False

    def _off(self, index: int) -> int:
        """Take it off, and say what that saves."""
        place = self.at[index]
        assert place is not None
        self.put(index, None)
        return self.cost(index, place)

    def cost(self, index: int, place: int) -> int:
        """What it costs that she gets this one besides what she has."""
        task, way = self.tasks[index], self.ways[index][place]
        total = WEIGH_DAY * (2 * self.total[place] + 1)
        total += WEIGH_AFTER_SHIFT * way.after_shift + WEIGH_UNCOVERED * way.uncovered
        total += WEIGH_START_IN_BREAK * way.starts_in_break
        if way.begin is not None:
            total += WEIGH_START * self.floor.starts[way.starter][way.begin]
        for who, first, end in way.parts:
            limit = self.watchers[who]
            patients = 2 * sum(self.floor.patients[who][first:end]) + end - first
            acuity = 2 * task.acuity * sum(self.floor.acuity[who][first:end]) + task.acuity**2 * (end - first)
            total += WEIGH_PATIENTS * patients // max(limit.patients, 1)
            total += WEIGH_ACUITY * acuity // max(limit.acuity, 1)
        return total + self._strangeness(index, place)

    def _strangeness(self, index: int, place: int) -> int:
        task, nurse = self.tasks[index], self.watchers[place].nurse
        total = 0
        if task.known and nurse != task.known[0]:
            total += WEIGH_NOT_LAST if nurse in task.known else WEIGH_STRANGER
        if task.course is not None and len(doses := self.doses[task.course]) > 1:
            here = doses.index(index)
            for other in (*doses[max(here - 1, 0) : here], *doses[here + 1 : here + 2]):
                if self.at[other] is not None and self.at[other] != place:
                    total += WEIGH_OTHER_DOSE
        return total

    def suggestion(self) -> Suggestion:
        nurses: dict[int, int | None] = {}
        for index, task in enumerate(self.tasks):
            place = self.at[index]
            nurses[task.key] = self.watchers[place].nurse if place is not None else None
            if self.fixed[index]:
                nurses[task.key] = task.nurse
        changed = [task.key for task in self.tasks if task.nurse is not None and nurses[task.key] != task.nurse]
        return Suggestion(nurses=nurses, changed=tuple(changed))


class _Search:
    """Depth first through the places of these few, for fewer without a nurse, then fewer changes. Ends after `SEARCHED`
    places; what was best by then is put."""

    def __init__(self, day: _Day, movable: list[int]) -> None:
        self.day, self.movable, self.left = day, movable, SEARCHED
        self.best_score, self.best = day.score(movable), [day.at[index] for index in movable]

    def run(self) -> None:
        if self.best_score == (0, 0):
            return
        self._put([None] * len(self.movable))
        self._go(0, 0, 0)
        self._put([None] * len(self.movable))
        self._put(self.best)

    def _put(self, places: Sequence[int | None]) -> None:
        for index, place in zip(self.movable, places, strict=True):
            self.day.put(index, place)

    def _go(self, number: int, without: int, changed: int) -> None:
        self.left -= 1
        if (without, changed) >= self.best_score or self.left < 0:
            return
        day = self.day
        if number == len(self.movable):
            self.best_score, self.best = (without, changed), [day.at[index] for index in self.movable]
            return
        index = self.movable[number]
        was = day.was[index]
        can = [place for place in day.ways[index] if day.fits(index, place)]
        for place in sorted(can, key=lambda each: (each != was, day.cost(index, each), each)):
            day.put(index, place)
            self._go(number + 1, without, changed + (was is not None and place != was))
            day.put(index, None)
        self._go(number + 1, without + 1, changed + (was is not None))
