"""What every address of the web application is for: the action of the domain's table that it needs.

A new address needs a line here; without one test_web_walk.py fails. `OPEN` is for everybody, `MEMBER` for any role,
`OPERATOR` for who runs the service, `SOMEBODYS` for one person alone, who is none of those at the door.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

OPEN, MEMBER, OPERATOR, SOMEBODYS = "open", "member", "operator", "somebody's"


@dataclass(frozen=True)
class Case:
    """One request to an address. `names` says whether it names a thing of a center; then another center's is 404."""

    needs: str
    path: str
    method: str = "GET"
    data: dict[str, Any] = field(default_factory=dict)
    may_say: tuple[int, ...] = ()  # besides the usual answers, to those who may: a wrong password is 403

    @property
    def names(self) -> bool:
        return "{" in self.path or any("{" in str(value) for value in self.data.values())

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


BOARD = "/board/{unit_code}/2026-11-25/"
STEPS = {
    "arrive": "attend",
    "check-in": "attend",
    "confirm": "attend",
    "no-show": "attend",
    "undo": "attend",
    "start": "treat",
    "phase": "treat",
    "complete": "treat",
    "cancel": "book",
    "reopen": "book",
}
CLOSING = {"do": "preview", "from_date": "2026-11-25", "until_date": "2026-11-25", "reason": "Works"}
COURSE_STEPS = ("pause", "resume", "discontinue", "amend", "accept")

WEB: dict[str, list[Case]] = {
    "healthz": [Case(OPEN, "/healthz")],
    "readyz": [Case(OPEN, "/readyz")],
    "metrics": [Case(OPEN, "/metrics")],
    "sign-in/": [Case(OPEN, "/sign-in/")],
    "sign-in/code/": [Case(OPEN, "/sign-in/code/")],
    "sign-in/again/": [Case(MEMBER, "/sign-in/again/", "POST", may_say=(403,))],
    "sign-out/": [Case(OPEN, "/sign-out/", "POST")],
    "forgot/": [Case(OPEN, "/forgot/")],
    "forgot/sent/": [Case(OPEN, "/forgot/sent/")],
    "reset/": [Case(OPEN, "/reset/", may_say=(404,))],
    "reset/<slug:who>/<slug:token>/": [Case(OPEN, "/reset/MQ/c9x4gh-7xk2ab0d5fe11a2b3c4d/")],
    "session/": [Case(OPEN, "/session/")],
    "account/": [Case(MEMBER, "/account/")],
    "account/password/": [
        Case(MEMBER, "/account/password/"),
        Case(MEMBER, "/account/password/", "POST", may_say=(403,)),
    ],
    "account/second-factor/": [Case(MEMBER, "/account/second-factor/")],
    "account/sessions/end-others/": [Case(MEMBER, "/account/sessions/end-others/", "POST")],
    "account/sessions/<int:pk>/end/": [Case(SOMEBODYS, "/account/sessions/{sign_in}/end/", "POST")],
    "center/": [Case(MEMBER, "/center/", "POST")],
    "": [Case(MEMBER, "/")],  # an auditor is led to the record
    "board/<slug:unit>/": [Case("view-schedule", "/board/{unit_code}/")],
    "board/<slug:unit>/<date:date>/": [Case("view-schedule", BOARD)],
    "board/<slug:unit>/<date:date>/version/": [Case("view-wall", f"{BOARD}version/")],
    "appointments/<int:pk>/move/": [
        Case("book", "/appointments/{appointment}/move/"),
        Case("book", "/appointments/{appointment}/move/", "POST"),
    ],
    "board/<slug:unit>/<date:date>/fits/": [
        Case("view-schedule", f"{BOARD}fits/", "POST", {"appointment": "{appointment}"}),
    ],
    "why/": [
        Case("view-schedule", "/why/?chair={chair}&at=2026-11-25T13:00-05:00"),
        Case("view-schedule", "/why/", "POST", {"chair": "{chair}", "at": "2026-11-25T13:00-05:00"}),
    ],
    "appointments/<int:pk>/swap/": [
        Case("book", "/appointments/{appointment}/swap/"),
        Case("book", "/appointments/{appointment}/swap/", "POST"),
    ],
    "appointments/<int:pk>/<slug:action>/": [
        Case(needs, f"/appointments/{{appointment}}/{step}/", "POST", {"reason": "ill"})
        for step, needs in STEPS.items()
    ],
    "book/": [
        Case("book", "/book/"),
        Case("book", "/book/?patient={patient}"),
        Case("book", "/book/", "POST", {"patient": "{patient}"}),
    ],
    "patients/": [Case("view-patients", "/patients/"), Case("view-patients", "/patients/", "POST", {"q": "zar"})],
    "patients/new/": [
        Case("edit-patients", "/patients/new/"),
        Case("edit-patients", "/patients/new/", "POST", {"last_name": "New", "birth_date": "1 1 1980", "mrn": "N-1"}),
    ],
    "patients/export/": [Case("export-patients", "/patients/export/", "POST")],
    "patients/<int:pk>/": [Case("view-patients", "/patients/{patient}/")],
    "patients/<int:pk>/edit/": [
        Case("edit-patients", "/patients/{patient}/edit/"),
        Case("edit-patients", "/patients/{patient}/edit/", "POST", {"last_name": "New", "birth_date": "1 1 1980"}),
    ],
    "patients/<int:pk>/contacts/": [
        Case("edit-patients", "/patients/{patient}/contacts/", "POST", {"channel": "call", "phone": "212 555 0142"}),
    ],
    "patients/<int:pk>/contacts/<int:contact>/": [
        Case("edit-patients", "/patients/{patient}/contacts/{contact}/", "POST", {"do": do})
        for do in ("stop", "remove")
    ],
    "patients/<int:pk>/merge/": [
        Case("merge-patients", "/patients/{patient}/merge/"),
        Case("merge-patients", "/patients/{patient}/merge/", "POST", {"other": "{patient}"}),
    ],
    "patients/<int:pk>/erase/": [
        Case("erase-patients", "/patients/{patient}/erase/"),
        Case("erase-patients", "/patients/{patient}/erase/", "POST", {"reason": "She asked."}),
    ],
    "patients/<int:pk>/course/": [
        Case("edit-courses", "/patients/{patient}/course/"),
        Case("edit-courses", "/patients/{patient}/course/", "POST"),
    ],
    "imports/": [
        Case("import-data", "/imports/"),
        Case("import-data", "/imports/", "POST", {"kind": "patients"}),
    ],
    "imports/<int:pk>/": [Case("import-data", "/imports/{import}/")],
    "imports/<int:pk>/<slug:action>/": [
        Case("import-data", f"/imports/{{import}}/{action}/", "POST", {"batch": "1"})
        for action in ("check", "start", "undo", "undo-all", "close")
    ],
    "courses/<int:pk>/": [Case("view-patients", "/courses/{course}/")],
    "courses/<int:pk>/<slug:action>/": [
        Case("edit-courses", f"/courses/{{course}}/{step}/", "POST", {"reason": "x"}) for step in COURSE_STEPS
    ],
    "visits/<int:pk>/waive/": [Case("edit-courses", "/visits/{visit}/waive/", "POST", {"reason": "x"})],
    "worklist/": [Case("view-schedule", "/worklist/")],
    "close/": [
        Case("note-outage", "/close/"),
        Case("note-outage", "/close/", "POST", {"do": "preview", "nurse": "{nurse}"}),
        Case("note-outage", "/close/", "POST", CLOSING | {"place": "chair:{chair}"}),
        Case("edit-setup", "/close/", "POST", CLOSING | {"place": "unit:{unit_code}"}),
    ],
    "close/<int:pk>/lift/": [Case("edit-setup", "/close/{closure}/lift/", "POST")],
    "close/<int:pk>/back/": [Case("note-outage", "/close/{absence}/back/", "POST", may_say=(409,))],
    "worklist/mark/": [Case("view-schedule", "/worklist/mark/", "POST", {"item": "unplaced:1", "do": "claim"})],
    "live/": [Case("view-schedule", "/live/")],
    "live/version/": [Case("view-schedule", "/live/version/")],
    "live/patients/<int:pk>/": [Case("view-patients", "/live/patients/{patient}/")],
    "live/patients/<int:pk>/version/": [Case("view-patients", "/live/patients/{patient}/version/")],
    "live/<slug:unit>/<date:date>/": [Case("view-wall", "/live/{unit_code}/2026-11-25/")],
    "capacity/": [Case("view-schedule", "/capacity/")],
    "capacity/<slug:unit>/": [Case("view-schedule", "/capacity/{unit_code}/?from=2026-11-25&minutes=60&span=month")],
    "figures/": [Case("view-figures", "/figures/")],
    "figures/<slug:unit>/<int:year>/<int:month>/": [Case("view-figures", "/figures/{unit_code}/2026/11/")],
    "figures/<slug:unit>/<int:year>/<int:month>/file/": [Case("view-figures", "/figures/{unit_code}/2026/11/file/")],
    "wall/": [Case("view-wall", "/wall/")],
    "wall/<slug:unit>/": [Case("view-wall", "/wall/{unit_code}/")],
    "floor/": [Case("view-schedule", "/floor/")],
    "floor/<slug:unit>/": [Case("view-schedule", "/floor/{unit_code}/")],
    "floor/answers/<int:pk>/": [
        Case("view-clinical", "/floor/answers/{appointment}/", "POST", {"code": "x", "says": "yes"})
    ],
    "floor/decisions/<int:pk>/": [
        Case("view-clinical", "/floor/decisions/{appointment}/", "POST", {"code": "x", "decision": "go-ahead"})
    ],
    "floor/answers/<int:pk>/rest/": [Case("view-clinical", "/floor/answers/{appointment}/rest/", "POST")],
    "floor/reactions/<int:pk>/": [Case("view-clinical", "/floor/reactions/{appointment}/", "POST", {"kind": "hives"})],
    "floor/times/<int:pk>/": [
        Case("treat", "/floor/times/{appointment}/", "POST", {"arrived": "09:00", "reason": "From paper."})
    ],
    "floor/following/<int:pk>/": [Case("book", "/floor/following/{appointment}/", "POST", {"do": "desk"})],
    "floor/overruns/<int:pk>/": [Case("book", "/floor/overruns/{appointment}/", "POST", {"do": "desk"})],
    "assign/<slug:unit>/<date:date>/": [
        Case("view-schedule", "/assign/{unit_code}/2026-11-25/"),
        Case("view-schedule", "/assign/{unit_code}/2026-11-25/?suggest=1"),
    ],
    "assign/<slug:unit>/<date:date>/accept/": [Case("assign", "/assign/{unit_code}/2026-11-25/accept/", "POST")],
    "assign/<slug:unit>/<date:date>/absent/": [
        Case("edit-setup", "/assign/{unit_code}/2026-11-26/absent/", "POST", {"nurse": "{nurse}"})
    ],
    "assign/visits/<int:pk>/": [Case("assign", "/assign/visits/{appointment}/", "POST", {"nurse": "{nurse}"})],
    "handover/<slug:unit>/": [
        Case("hand-over", "/handover/{unit_code}/"),
        Case("hand-over", "/handover/{unit_code}/", "POST", {"text": "Quiet."}),
    ],
    "handover/notes/<int:pk>/read/": [Case("hand-over", "/handover/notes/{note}/read/", "POST")],
    "sheet/<slug:unit>/<date:date>/": [
        Case("view-schedule", "/sheet/{unit_code}/2026-11-25/"),
        Case("view-schedule", "/sheet/{unit_code}/2026-11-25/", "POST"),
    ],
    # Patients have no account: the token in the address is all they need (tests/web/test_answers.py).
    "v/<str:token>/": [Case(OPEN, "/v/bcdfghjklmnpqrstvwxzbcdfghjklmnpqrst/", may_say=(404,))],
    "waitlist/": [Case("book", "/waitlist/")],
    "waitlist/act/": [
        Case("book", "/waitlist/act/", "POST", {"do": "remove", "id": "{waiting}"}),
        Case("book", "/waitlist/act/", "POST", {"do": "priority", "id": "{waiting}", "priority": "1"}),
        *(
            Case("book", "/waitlist/act/", "POST", {"do": do, "id": "{offer}"})
            for do in ("withdraw", "accept", "decline")
        ),
    ],
    "messages/": [Case("edit-patients", "/messages/")],
    "messages/<int:pk>/send/": [Case("edit-patients", "/messages/{message}/send/", "POST")],
    "record/": [
        Case("read-record", "/record/"),
        Case("read-record", "/record/?show=readings"),
    ],
    "people/": [Case("manage-people", "/people/")],
    "people/new/": [
        Case("manage-people", "/people/new/"),
        Case("manage-people", "/people/new/", "POST", {"username": "eve", "email": "eve@example.org", "role": "nurse"}),
    ],
    "people/second-factor/": [Case("manage-people", "/people/second-factor/", "POST")],
    "people/keys/new/": [
        Case("manage-people", "/people/keys/new/"),
        Case("manage-people", "/people/keys/new/", "POST", {"name": "EHR"}),
    ],
    "people/keys/<int:pk>/revoke/": [Case("manage-people", "/people/keys/{key}/revoke/", "POST")],
    "people/<int:pk>/": [Case("manage-people", "/people/{membership}/")],
    "people/<int:pk>/<slug:action>/": [
        Case("manage-people", f"/people/{{membership}}/{action}/", "POST", {"role": "nurse"})
        for action in ("role", "nurse", "end", "give", "factor", "link")
    ],
    "wording/": [Case("edit-setup", "/wording/")],
    "wording/<slug:kind>/<slug:language>/": [
        Case("edit-setup", "/wording/reminder/en/"),
        Case("edit-setup", "/wording/reminder/es/", "POST", {"do": "save", "version": "0", "subject": "See you"}),
    ],
    "outbox/": [Case(OPERATOR, "/outbox/")],
    "outbox/<slug:name>/": [Case(OPERATOR, "/outbox/no-such/")],
    "outbox/<slug:name>/html/": [Case(OPERATOR, "/outbox/no-such/html/")],
}
