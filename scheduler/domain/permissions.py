"""Who may do what: the one table that web, API and admin ask. Role names are the contract's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FRONT_DESK = "front-desk"
NURSE = "nurse"
MANAGER = "manager"
AUDITOR = "auditor"
INTEGRATION = "integration"
ROLES = (FRONT_DESK, NURSE, MANAGER, AUDITOR, INTEGRATION)

_STAFF = frozenset({FRONT_DESK, NURSE, MANAGER})

ALLOWED: Mapping[str, frozenset[str]] = {
    "view-schedule": _STAFF | {INTEGRATION},
    "view-patients": _STAFF | {INTEGRATION},
    "edit-patients": _STAFF | {INTEGRATION},
    "view-clinical": frozenset({NURSE, MANAGER}),
    "book": _STAFF | {INTEGRATION},
    "attend": _STAFF,
    "treat": frozenset({NURSE, MANAGER}),
    "record-dose": frozenset({NURSE, MANAGER, INTEGRATION}),
    "edit-courses": _STAFF | {INTEGRATION},
    "override": _STAFF,
    "edit-setup": frozenset({MANAGER}),
    "read-record": frozenset({MANAGER, AUDITOR}),
}

# The front desk sets aside only the window, and only so far; nurses and managers every soft rule.
DESK_OVERRIDES = frozenset({"window_is_kept"})
DESK_OVERRIDE_DAYS_LATE = 21


def may(role: str, action: str) -> bool:
    """Unknown actions are refused: a door that asks for one has a spelling mistake, so it raises KeyError."""
    return role in ALLOWED[action]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `who` is user:3, key:2 or job:place-visits, never a name; `label` is shown to staff."""

    who: str
    role: str
    center_id: int | None
    label: str = ""

    @classmethod
    def job(cls, name: str) -> Actor:
        return cls(who=f"job:{name}", role="job", center_id=None, label=name)

    @property
    def is_job(self) -> bool:
        return self.who.startswith("job:")
