"""Every page and state, once: the test looks at all of them, and docs/screenshots/take.py takes their pictures.

A new page gets a line here. What a line changes is seen by those after it; those that change much stand last.
"""

from __future__ import annotations

from tests.browser.every import steps
from tests.browser.every.shown import NOBODY, Shown

TODAY = "/board/day/2026-11-24/"
DESK, NURSE, OPERATOR = "front-desk", "nurse", "operator"
COURSE = {"unit": "day", "start_date": "2026-11-30", "start_time": "10:00", "do": "preview"}
CLOSED = {"do": "preview", "reason": "Works in the building"}
SAME = {"reason": "Prescriber asked"}

ENTRY = [
    Shown("sign-in", "/sign-in/", NOBODY),
    Shown("sign-in-wrong", "/sign-in/", NOBODY, steps=steps.wrong_password, then=(403,)),
    Shown("sign-in-code", "/sign-in/", NOBODY, steps=steps.code_asked),
    Shown("sign-in-forgot", "/forgot/", NOBODY),
    Shown("sign-in-forgot-sent", "/forgot/sent/", NOBODY),
    Shown("sign-in-reset", "/reset/{reset}/", NOBODY),
    Shown("sign-in-reset-dead", "/reset/MQ/c9x4gh-7xk2ab0d5fe11a2b3c4d/", NOBODY, says=404),
]
BOARD = [
    Shown("board", TODAY, DESK, prints=True),
    Shown("board-visit", f"{TODAY}?visit={{visit}}", DESK),
    Shown("board-cancel", f"{TODAY}?visit={{visit}}&ask=cancel", DESK),
    Shown("board-underway", f"{TODAY}?visit={{underway}}", NURSE),
    Shown("board-full", "/board/day/{full}/", DESK, prints=True),
    Shown("board-empty", "/board/day/{empty}/", DESK, prints=True),
    Shown("board-closed", "/board/day/2026-11-26/", DESK),
    Shown("board-night", "/board/suite-24/2026-11-24/", NURSE, prints=True),
    Shown("board-clocks", "/board/suite-24/2026-11-01/", DESK),
    Shown("board-keys", TODAY, DESK, steps=steps.keys),
    Shown("board-carry", "/board/day/{two}/", DESK, steps=steps.carried),
    Shown("board-refusal", "/board/day/{two}/", DESK, steps=steps.refused, then=(409,)),
    Shown("board-swap", "/board/day/{two}/", DESK, steps=steps.swap_asked),
    Shown("board-why", "/board/day/{two}/", DESK, steps=steps.why_not),
    Shown("move", "/appointments/{visit}/move/", DESK),
    Shown("move-refused", "/appointments/{mover}/move/", DESK, {"slot": "{visit_chair}@{visit_at}"}, says=409),
    Shown("swap", "/appointments/{mover}/swap/", DESK),
    Shown("swap-asked", "/appointments/{mover}/swap/?with={taken}", DESK),
    Shown("why", "/why/?chair={visit_chair}&at={visit_at}", DESK),
]
BOOKING = [
    Shown("book", "/book/", DESK),
    Shown("book-found", "/book/", DESK, {"q": "an", "do": "find"}),
    Shown(
        "book-places",
        "/book/?patient={newcomer}",
        DESK,
        {"patient": "{newcomer}", "what": "protocol:{protocol_rescue}", "do": "search"},
    ),
    Shown(
        "book-refused",
        "/book/?patient={newcomer}&chair={visit_chair}&at={visit_at}",
        DESK,
        {"patient": "{newcomer}", "what": "protocol:{protocol_rescue}", "slot": "{visit_chair}@{visit_at}"},
        says=409,
    ),
    Shown("course-start", "/patients/{newcomer}/course/", DESK),
    Shown("course-preview", "/patients/{newcomer}/course/", DESK, {**COURSE, "protocol": "{protocol_quarterly}"}),
    Shown(
        "course-conflict", "/patients/{newcomer}/course/", DESK, {**COURSE, "protocol": "{protocol_dhe}", "days": "2"}
    ),
    Shown(
        "course-dhe",
        "/patients/{newcomer}/course/",
        DESK,
        {**COURSE, "unit": "suite-24", "protocol": "{protocol_dhe}", "days": "2"},
    ),
]
COURSES = [
    Shown("course", "/courses/{course}/", DESK, prints=True),
    Shown("course-doses", "/courses/{dhe}/", NURSE),
    Shown("course-held", "/courses/{held}/", DESK),
    Shown("course-unplaced", "/courses/{unplaced}/", DESK),
    Shown("course-pause", "/courses/{course}/", DESK, SAME, "/courses/{course}/pause/"),
    Shown("course-amend", "/courses/{course}/", DESK, {**SAME, "doses": "3"}, "/courses/{course}/change/"),
    Shown("course-discontinue", "/courses/{course}/", DESK, SAME, "/courses/{course}/discontinue/"),
]
WORK = [
    Shown("worklist", "/worklist/", DESK, prints=True),
    Shown("worklist-mine-empty", "/worklist/?whose=mine", NURSE),
    Shown("worklist-snoozed", "/worklist/?kind=snoozed", DESK),
    Shown("worklist-snooze", "/worklist/", DESK, steps=steps.snoozing),
    Shown("waitlist", "/waitlist/", DESK),
    Shown("close", "/close/", "manager"),
    Shown(
        "close-chair",
        "/close/",
        "manager",
        {**CLOSED, "place": "chair:{chair}", "from_date": "2026-12-03", "until_date": "2026-12-03"},
    ),
    Shown(
        "close-day",
        "/close/",
        "manager",
        {**CLOSED, "place": "unit:day", "from_date": "2026-11-27", "until_date": "2026-11-27"},
        prints=True,
    ),
    Shown("close-nurse", "/close/", DESK, {"do": "preview", "nurse": "{nurse}"}),
    Shown(
        "close-wrong",
        "/close/",
        "manager",
        {**CLOSED, "place": "chair:{chair}", "from_date": "2026-12-03", "until_date": "2026-12-01"},
        says=400,
    ),
    Shown("capacity", "/capacity/day/", DESK, prints=True),
    Shown("capacity-month", "/capacity/day/?span=month&from=2026-12-01", DESK),
    Shown("figures", "/figures/day/2026/11/", "manager", prints=True),
    Shown("messages", "/messages/", DESK),
    Shown("wording", "/wording/"),
    Shown("wording-edit", "/wording/reminder/en/"),
    Shown(
        "wording-refused",
        "/wording/reminder/en/",
        "manager",
        {"do": "save", "version": "0", "subject": "Your {{infusion}}", "opening": "", "closing": ""},
        says=400,
    ),
    Shown("imports", "/imports/"),
    Shown("import-columns", "/imports/{import_new}/"),
    Shown("import-dry-run", "/imports/{import_tried}/"),
    Shown("import-done", "/imports/{import_done}/"),
]
PATIENTS = [
    Shown("patients", "/patients/", DESK),
    Shown("patients-found", "/patients/", DESK, {"q": "an"}),
    Shown("patients-none", "/patients/", DESK, {"q": "xyzzy"}),
    Shown("patient", "/patients/{patient}/", DESK, prints=True),
    Shown("patient-nurse", "/patients/{patient}/", NURSE),
    Shown("patient-new", "/patients/new/", DESK),
    Shown(
        "patient-new-wrong",
        "/patients/new/",
        DESK,
        {"first_name": "Ana", "last_name": "Rivera", "birth_date": "31 2 1980", "mrn": "X1"},
        says=400,
    ),
    Shown(
        "patient-duplicate",
        "/patients/new/",
        DESK,
        {"first_name": "{twin_first}", "last_name": "{twin_last}", "birth_date": "{twin_born}", "mrn": "X1"},
        says=409,
    ),
    Shown("patient-edit", "/patients/{patient}/edit/", DESK),
    Shown(
        "patient-edit-stale",
        "/patients/{patient}/edit/",
        DESK,
        {"first_name": "Ana", "last_name": "Rivera", "birth_date": "1 2 1980", "as_read": "old"},
        says=409,
    ),
    Shown("patient-merge", "/patients/{patient}/merge/"),
    Shown("patient-merge-both", "/patients/{patient}/merge/", "manager", {"other": "{newcomer}"}),
    Shown("patient-erase", "/patients/{patient}/erase/"),
]
FLOOR = [
    Shown("floor", "/floor/day/", NURSE),
    Shown("floor-visit", "/floor/day/?visit={underway}", NURSE),
    Shown("floor-night", "/floor/suite-24/", NURSE),
    Shown("assign", "/assign/day/2026-11-24/", NURSE),
    Shown("assign-suggested", "/assign/day/2026-11-24/?suggest=1", NURSE),
    Shown("handover", "/handover/day/", NURSE, prints=True),
    Shown("sheet", "/sheet/day/2026-11-24/", NURSE, prints=True),
    Shown("sheet-full", "/sheet/day/{full}/", NURSE, prints=True),
    Shown("sheet-night", "/sheet/suite-24/2026-11-24/", NURSE, prints=True),
    Shown("wall", "/wall/day/", "wall", is_wide=True),
    Shown("wall-night", "/wall/suite-24/", "wall", is_wide=True),
]
ANSWERS = [
    Shown("answer-confirm", "/v/{answer_confirm}/", NOBODY),
    Shown("answer-cancel", "/v/{answer_cancel}/", NOBODY),
    Shown("answer-another-time", "/v/{answer_another_time}/", NOBODY),
    Shown("answer-offer", "/v/{answer_offer}/", NOBODY),
    Shown("answer-text", "/v/{answer_text}/", NOBODY),
    Shown("answer-stop", "/v/{answer_stop}/", NOBODY),
    Shown("answer-confirmed", "/v/{answer_confirmed}/", NOBODY),
    Shown("answer-unknown", "/v/bcdfghjklmnpqrstvwxzbcdfghjklmnpqrst/", NOBODY, says=404),
]
HOUSE = [
    Shown("people", "/people/"),
    Shown("person", "/people/{membership}/"),
    Shown("person-new", "/people/new/"),
    Shown("key-new", "/people/keys/new/"),
    Shown("key-shown", "/people/keys/new/", "manager", {"name": "Laboratory", "scope": ("read-schedule",)}, says=201),
    Shown("account", "/account/"),
    Shown("password", "/account/password/"),
    Shown("second-factor", "/account/second-factor/"),
    Shown("record", "/record/", "auditor", prints=True),
    Shown("record-readings", "/record/?show=readings", "auditor"),
    Shown("record-patient", "/record/?show=readings&patient={patient}"),
    Shown("outbox", "/outbox/", OPERATOR),
    Shown("outbox-mail", "/outbox/{mail}/", OPERATOR),
]
FAULTS = [
    Shown("fault-403", "/people/", NURSE, says=403),
    Shown("fault-404", "/board/no-such/2026-11-24/", says=404),
    Shown("fault-form", "/healthz", to="/worklist/mark/", says=403),
    Shown("fault-500", "/broken/", says=500),
]
LAST = [
    Shown("board-book", "/board/day/{empty}/", DESK, steps=steps.book_here),
    Shown("sign-in-locked", "/sign-in/", NOBODY, steps=steps.locked_out, then=(403, 429)),
]
PAGES = [*ENTRY, *BOARD, *BOOKING, *COURSES, *WORK, *PATIENTS, *FLOOR, *ANSWERS, *HOUSE, *FAULTS, *LAST]
