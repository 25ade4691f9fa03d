"""Which visits to take away so that what is left fits the nurses: the fewest, and of these the nearest. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import comb
from typing import TypeVar

Visit = TypeVar("Visit")
Spot = TypeVar("Spot")

# Every choice of so many visits is looked at while there are no more than these; beyond, one after the other.
MOST_CHOICES = 20_000


def fewest(
    over: Mapping[Spot, int], relief: Mapping[Visit, Mapping[Spot, int]], cost: Mapping[Visit, float]
) -> list[Visit]:
    """The smallest set of visits whose going takes away all of `over` that can be taken away; of several as small the
    one that costs least. `over` says by how much each spot is over, `relief` what each visit's going takes from a
    spot, `cost` how far its new place is. Ordered as `relief` is.

    Among very many visits the answer may hold one more than the smallest set: it is then found by always taking the
    visit that helps most.
    """
    target = {
        spot: wanted
        for spot, much in over.items()
        if (wanted := min(much, sum(each.get(spot, 0) for each in relief.values()))) > 0
    }
    if not target:
        return []
    useful = [visit for visit, each in relief.items() if any(spot in target for spot in each)]
    for size in range(1, len(useful) + 1):
        if comb(len(useful), size) > MOST_CHOICES:
            break
        fitting = [
            chosen for chosen in combinations(useful, size) if not _left(target, [relief[each] for each in chosen])
        ]
        if fitting:
            return list(min(fitting, key=lambda chosen: sum(cost[each] for each in chosen)))
    return _one_by_one(target, useful, relief, cost)


def _left(target: Mapping[Spot, int], taken: list[Mapping[Spot, int]]) -> int:
    return sum(max(much - sum(each.get(spot, 0) for each in taken), 0) for spot, much in target.items())


def _one_by_one(
    target: Mapping[Spot, int],
    useful: list[Visit],
    relief: Mapping[Visit, Mapping[Spot, int]],
    cost: Mapping[Visit, float],
) -> list[Visit]:
    chosen: list[Visit] = []
    while _left(target, [relief[each] for each in chosen]):
        others = [visit for visit in useful if visit not in chosen]
        chosen.append(
            min(others, key=lambda visit: (_left(target, [relief[each] for each in [*chosen, visit]]), cost[visit]))
        )
    for visit in list(chosen):  # a later one may have made an earlier one needless
        rest = [each for each in chosen if each != visit]
        if not _left(target, [relief[each] for each in rest]):
            chosen = rest
    return [visit for visit in useful if visit in chosen]
