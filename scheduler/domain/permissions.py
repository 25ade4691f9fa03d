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

READ_SCHEDULE = "read-schedule"
READ_PATIENTS = "read-patients"
BOOK = "book"
SET_UP = "set-up"
SCOPES = (READ_SCHEDULE, READ_PATIENTS, BOOK, SET_UP)

# What a key needs besides its role: every scope of the action. Who writes personal things reads them in the answer.
NEEDED: Mapping[str, frozenset[str]] = {
    "view-schedule": frozenset({READ_SCHEDULE}),
    "view-patients": frozenset({READ_PATIENTS}),
    "edit-patients": frozenset({BOOK, READ_PATIENTS}),
    "view-clinical": frozenset({READ_PATIENTS}),
    "book": frozenset({BOOK}),
    "attend": frozenset({BOOK}),
    "treat": frozenset({BOOK}),
    "record-dose": frozenset({BOOK}),
    "edit-courses": frozenset({BOOK, READ_PATIENTS}),
    "override": frozenset({BOOK}),
    "edit-setup": frozenset({SET_UP}),
    "read-record": frozenset({READ_PATIENTS}),
}

# The front desk sets aside only the window, and only so far; nurses and managers every soft rule.
DESK_OVERRIDES = frozenset({"window_is_kept"})
DESK_OVERRIDE_DAYS_LATE = 21


def may(role: str, action: str) -> bool:
    """Unknown actions are refused: a door that asks for one has a spelling mistake, so it raises KeyError."""
    return role in ALLOWED[action]


def scopes_of(role: str) -> frozenset[str]:
    """What a key of this role may be given at most."""
    return frozenset(scope for action, needed in NEEDED.items() if may(role, action) for scope in needed)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `who` is user:3, key:2 or job:place-visits, never a name; `label` is shown to staff. `scopes` narrow
    what the role may, None not at all."""

    who: str
    role: str
    center_id: int | None
    label: str = ""
    scopes: frozenset[str] | None = None

    def may(self, action: str) -> bool:
        """Raises KeyError for an action that doesn't exist."""
        return may(self.role, action) and (self.scopes is None or NEEDED[action] <= self.scopes)

    @classmethod
    def job(cls, name: str) -> Actor:
        return cls(who=f"job:{name}", role="job", center_id=None, label=name)

    @property
    def is_job(self) -> bool:
        return self.who.startswith("job:")
