"""What every call of the API is for: the action of the domain's table that it needs, and a body that is right.

A new call needs a line here; without one test_api_walk.py fails. Of several actions all are needed. `OPEN` is for
everybody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

OPEN = ()
API = "api/v1/"


@dataclass(frozen=True)
class Call:
    """`method` and `path` as in the URL configuration; `at` and `body` with the names of world.Things to fill in."""

    method: str
    path: str
    needs: tuple[str, ...]
    at: str
    body: Any = None
    is_for_keys: bool = False  # people do it on a page, where they sign in again

    @property
    def names(self) -> bool:
        return re.search(r"\{\w+\}", f"{self.at} {self.body}") is not None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _listed(name: str) -> Call:
    return Call("get", f"{name}/", ("view-schedule",), f"{name}/")


def _one(name: str, thing: str, method: str = "get", body: Any = None) -> Call:
    needs = "view-schedule" if method == "get" else "edit-setup"
    return Call(method, f"{name}/<int:pk>/", (needs,), f"{name}/{{{thing}}}/", body)


def _added(name: str, body: Any) -> Call:
    return Call("post", f"{name}/", ("edit-setup",), f"{name}/", body)


START = "2026-11-26T11:00-05:00"
SHIFT = {"start": "2026-11-27T08:00-05:00", "end": "2026-11-27T16:00-05:00"}
CLOSED = {"start": "2026-12-24T08:00-05:00", "end": "2026-12-25T08:00-05:00", "reason": "x"}
COURSE = {
    "patient": "{patient}", "protocol": "eptinezumab-quarterly", "unit": "{unit}", "start": "2027-06-01T10:00-04:00",
}  # fmt: skip
STEPS: dict[str, tuple[str, dict[str, Any]]] = {
    "move": ("book", {"start": START}),
    "swap": ("book", {"appointment": "{other}"}),
    "cancel": ("book", {"reason": "Ill."}),
    "reopen": ("book", {}),
    "confirm": ("book", {}),
    "undo": ("book", {}),
    "arrive": ("attend", {}),
    "check-in": ("attend", {}),
    "no-show": ("attend", {}),
    "start": ("treat", {}),
    "complete": ("treat", {}),
    "phase": ("treat", {"phase": "in-chair"}),
}
PROTOCOL = {
    "code": "walked", "name": "Walked", "short_name": "Walked", "abbreviation": "WLK", "cadence_kind": "once",
    "cadence_unit": "days", "visit_minutes": 30, "counts_in": "days", "sources": {"visit_minutes": "our own median"},
}  # fmt: skip

CALLS = [
    *map(_listed, ("centers", "units", "chairs", "nurses", "protocols", "shifts", "closures")),
    *map(_listed, ("appointments", "reminders", "waitlist")),
    _one("centers", "center"),
    _one("centers", "center", "patch", {"phone": "212 555 0101"}),
    _one("units", "unit"),
    _one("units", "unit", "patch", {"name": "Day suite"}),
    _added("units", {"code": "new", "name": "New"}),
    _one("chairs", "chair"),
    _one("chairs", "chair", "patch", {"position": 3}),
    _added("chairs", {"unit": "{unit}", "name": "Chair 99"}),
    _one("nurses", "nurse"),
    _one("nurses", "nurse", "patch", {"name": "Ines"}),
    _added("nurses", {"name": "Ines Falk"}),
    _one("protocols", "protocol"),
    _added("protocols", PROTOCOL),
    _one("shifts", "shift"),
    _one("shifts", "shift", "patch", {"patients": 5}),
    _one("shifts", "shift", "delete"),
    _added("shifts", SHIFT | {"nurse": "{nurse}", "unit": "{unit}"}),
    Call("post", "shifts/publish/", ("edit-setup",), "shifts/publish/", {"unit": "{unit}", "date": "2026-11-27"}),
    _one("closures", "closure"),
    _one("closures", "closure", "patch", {"reason": "Holiday"}),
    _one("closures", "closure", "delete"),
    _added("closures", CLOSED | {"unit": "{unit}"}),
    Call(
        "post", "patients/", ("edit-patients",), "patients/",
        {"mrn": "N-1", "first_name": "Eve", "last_name": "New", "birth_date": "1980-01-01"},
    ),
    Call("get", "patients/", ("export-patients",), "patients/", is_for_keys=True),
    Call("post", "patients/search/", ("view-patients",), "patients/search/", {"query": "new"}),
    Call("get", "patients/<int:pk>/", ("view-patients",), "patients/{patient}/"),
    Call("patch", "patients/<int:pk>/", ("edit-patients",), "patients/{patient}/", {"pronouns": "she"}),
    Call("post", "courses/", ("edit-courses",), "courses/", COURSE),
    Call("post", "courses/preview/", ("edit-courses",), "courses/preview/", COURSE),
    Call("get", "courses/<int:pk>/", ("view-patients",), "courses/{course}/"),
    Call("patch", "courses/<int:pk>/", ("edit-courses",), "courses/{course}/", {"preferred_part": "morning"}),
    *(
        Call("post", f"courses/<int:pk>/{step}/", ("edit-courses",), f"courses/{{course}}/{step}/", {"reason": "x"})
        for step in ("pause", "resume", "discontinue")
    ),
    Call("post", "visits/<int:pk>/waive/", ("edit-courses",), "visits/{visit}/waive/", {"reason": "x"}),
    Call(
        "post", "slots/search/", ("book",), "slots/search/",
        {"minutes": 30, "unit": "{unit}", "from": "2026-11-26T08:00-05:00", "to": "2026-11-27T18:00-05:00"},
    ),
    Call(
        "post", "appointments/", ("book",), "appointments/",
        {"patient": "{patient}", "chair": "{chair}", "start": START, "minutes": 30},
    ),
    Call("get", "appointments/<int:pk>/", ("view-schedule",), "appointments/{appointment}/"),
    *(
        Call("post", f"appointments/<int:pk>/{step}/", (needs,), f"appointments/{{appointment}}/{step}/", body)
        for step, (needs, body) in STEPS.items()
    ),
    Call("get", "schedule/", ("view-schedule",), "schedule/?date=2026-11-25&unit={unit}"),
    Call("get", "worklist/", ("view-schedule", "view-patients"), "worklist/"),
    Call("post", "waitlist/", ("book",), "waitlist/", {"appointment": "{appointment}"}),
    Call("get", "schema/", OPEN, "schema/"),
    Call("get", "docs/", OPEN, "docs/"),
]  # fmt: skip
NOT_CALLS = {""}  # what answers for every address that there is not
