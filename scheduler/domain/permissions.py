"""Who may do what: the one table that web, API and admin all ask. Role names are the contract's.

It is the table of the issue "People and record", row by row; tests/domain/test_permissions.py has it written out a
second time. The column "API key" is the role `integration`. A key that the operator issued with a role of the staff
acts as that role, narrowed by its scopes (docs/decisions/0010-keys-act-as-their-role.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FRONT_DESK = "front-desk"
NURSE = "nurse"
MANAGER = "manager"
AUDITOR = "auditor"
INTEGRATION = "integration"
WALL = "wall"  # a screen that everybody passes: docs/decisions/0014-a-wall-signs-in-as-one.md
ROLES = (FRONT_DESK, NURSE, MANAGER, AUDITOR, INTEGRATION, WALL)
PEOPLES_ROLES = (FRONT_DESK, NURSE, MANAGER, AUDITOR, WALL)  # what a user can be; integrators have keys
LINK = "link"  # whoever opens a patient's link: no member of a center

_STAFF = frozenset({FRONT_DESK, NURSE, MANAGER})

ALLOWED: Mapping[str, frozenset[str]] = {
    "view-wall": _STAFF | {WALL},  # chairs, initials and minutes of today; no names, no treatment
    "view-schedule": _STAFF | {INTEGRATION},
    "view-patients": _STAFF | {INTEGRATION},  # demographics, contacts, desk notes
    "edit-patients": _STAFF | {INTEGRATION},
    "view-clinical": frozenset({NURSE, INTEGRATION}),  # components, checklist answers, clinical notes
    "book": _STAFF | {INTEGRATION},  # and move, cancel
    "edit-courses": _STAFF | {INTEGRATION},
    "own-visit": frozenset({LINK}),  # see her own visit, minimally, and answer for it
    "attend": _STAFF,
    "treat": frozenset({NURSE, MANAGER}),
    "record-dose": frozenset({NURSE, MANAGER}),
    "assign": frozenset({NURSE, MANAGER}),  # who watches whom
    "hand-over": frozenset({NURSE, MANAGER}),  # notes for the next shift; those on a patient need view-clinical, too
    "note-outage": _STAFF,  # today's absence of a nurse, a chair out of service
    "override": _STAFF,
    "edit-setup": frozenset({MANAGER}),  # hours, closures, staffing, protocols, wording
    "view-figures": frozenset({MANAGER}),  # a month in counts, without patients
    "export-patients": frozenset({MANAGER, INTEGRATION}),
    "erase-patients": frozenset({MANAGER}),
    "import-data": frozenset({MANAGER}),
    "merge-patients": frozenset({MANAGER}),
    "manage-people": frozenset({MANAGER}),  # users, roles, keys; never her own
    "read-record": frozenset({MANAGER, AUDITOR}),
}

READ_SCHEDULE = "read-schedule"
READ_PATIENTS = "read-patients"
READ_CLINICAL = "read-clinical"
BOOK = "book"
SET_UP = "set-up"
EXPORT = "export"
SCOPES = (READ_SCHEDULE, READ_PATIENTS, READ_CLINICAL, BOOK, SET_UP, EXPORT)

# What a key needs besides its role: every scope of the action. Who writes personal things reads them in the answer.
NEEDED: Mapping[str, frozenset[str]] = {
    "view-schedule": frozenset({READ_SCHEDULE}),
    "view-patients": frozenset({READ_PATIENTS}),
    "edit-patients": frozenset({BOOK, READ_PATIENTS}),
    "view-clinical": frozenset({READ_CLINICAL}),
    "book": frozenset({BOOK}),
    "edit-courses": frozenset({BOOK, READ_PATIENTS}),
    "attend": frozenset({BOOK}),
    "treat": frozenset({BOOK}),
    "record-dose": frozenset({BOOK}),
    "note-outage": frozenset({BOOK}),
    "override": frozenset({BOOK}),
    "edit-setup": frozenset({SET_UP}),
    "export-patients": frozenset({EXPORT}),
    "read-record": frozenset({READ_PATIENTS}),
}

# No key does these, whatever its role and scopes: a person signs in for them.
PEOPLE_ONLY = frozenset(ALLOWED) - frozenset(NEEDED)

# Before these somebody signed in proves again who she is.
SIGNS_IN_AGAIN = frozenset({"export-patients", "erase-patients"})

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
        if not may(self.role, action) or (self.is_key and action in PEOPLE_ONLY):
            return False
        return self.scopes is None or NEEDED[action] <= self.scopes

    @classmethod
    def job(cls, name: str) -> Actor:
        return cls(who=f"job:{name}", role="job", center_id=None, label=name)

    @property
    def is_job(self) -> bool:
        return self.who.startswith("job:")

    @property
    def is_key(self) -> bool:
        return self.who.startswith("key:")
