"""One row, or a few that belong together, that break a promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """`rule` names what is broken, `ids` the rows: ids only, nothing personal."""

    rule: str
    ids: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {"rule": self.rule, **self.ids}

    def __str__(self) -> str:
        return f"{self.rule}: " + ", ".join(f"{name} {value}" for name, value in self.ids.items())
