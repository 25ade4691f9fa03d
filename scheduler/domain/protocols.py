"""A protocol version as a plain value: what the rules and the planner need to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from scheduler.domain.recurrence import Cadence, Gap, Spread


@dataclass(frozen=True, slots=True)
class Lengths:
    """Minutes. Treatment is `[start, end)`; prep lies before, observation and turnover after."""

    prep: int
    treatment: int
    observation: int
    turnover: int

    @property
    def after_start(self) -> int:
        """Minutes of chair time from the start on."""
        return self.treatment + self.observation + self.turnover

    @property
    def care_after_start(self) -> int:
        """Minutes from the start to the end of observation: how long a nurse watches the patient."""
        return self.treatment + self.observation


@dataclass(frozen=True, slots=True)
class RollingCap:
    """At most `limit` doses or mg of the substance start within any `within_minutes` (half-open: a dose exactly
    that long after another is outside). A label's cap is `attestable`: the prescriber may order over it."""

    counts: Literal["doses", "mg"]
    limit: Decimal
    within_minutes: int
    attestable: bool
    source: str

    @classmethod
    def from_json(cls, cap: Mapping[str, Any]) -> RollingCap:
        return cls(
            counts=cap["counts"],
            limit=Decimal(str(cap["limit"])),
            within_minutes=int(cap["within_minutes"]),
            attestable=bool(cap.get("attestable", False)),
            source=cap.get("source", ""),
        )


@dataclass(frozen=True, slots=True)
class Component:
    """One ordered drug or step within a visit; `minutes` is its run time, `parallel` if it takes none of its own."""

    name: str
    dose: str
    minutes: int
    parallel: bool = False
    source: str = ""

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Component:
        return cls(
            name=row["name"],
            dose=row.get("dose", ""),
            minutes=int(row.get("minutes", 0)),
            parallel=bool(row.get("parallel", False)),
            source=row.get("source", ""),
        )


@dataclass(frozen=True, slots=True)
class ProtocolSpec:
    """See models.Protocol for the fields; this is the same without a database."""

    code: str
    version: int
    name: str
    short_name: str
    cadence: Cadence
    window: Spread
    tolerance: Spread
    gap: Gap
    caps: tuple[RollingCap, ...]
    first: Lengths
    repeat: Lengths
    first_visits: int
    substance: str
    dose_mg: Decimal
    acuity: int
    first_acuity: int
    needs_bed: bool
    needs_driver: bool
    keeps_chair: bool
    components: tuple[Component, ...] = ()

    def lengths(self, ordinal: int) -> Lengths:
        """Lengths of the course's n-th visit, counted from 1."""
        return self.first if ordinal <= self.first_visits else self.repeat

    def acuity_of(self, ordinal: int) -> int:
        return self.first_acuity if ordinal <= self.first_visits else self.acuity
