"""What a row of each kind may hold, and which column of a center's spreadsheet that probably is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scheduler.domain import names
from scheduler.domain.errors import Malformed, gettext_noop

PATIENTS, CHAIRS, APPOINTMENTS = "patients", "chairs", "appointments"
KINDS = (PATIENTS, CHAIRS, APPOINTMENTS)

ISO, US, DAY_FIRST = "iso", "us", "day-first"
DATE_STYLES = (ISO, US, DAY_FIRST)

# Field by field what people call it, in the order in which a page shows it.
LABELS: Mapping[str, str] = {
    "mrn": gettext_noop("MRN"),
    "full_name": gettext_noop("Whole name"),
    "last_name": gettext_noop("Last name"),
    "first_name": gettext_noop("First name"),
    "birth_date": gettext_noop("Birth date"),
    "phone": gettext_noop("Phone"),
    "email": gettext_noop("E-mail"),
    "language": gettext_noop("Language"),
    "pronouns": gettext_noop("Pronouns"),
    "allergies": gettext_noop("Allergies"),
    "needs": gettext_noop("Needs"),
    "desk_notes": gettext_noop("Notes for the desk"),
    "date": gettext_noop("Date, or date and time"),
    "time": gettext_noop("Time"),
    "until": gettext_noop("End time"),
    "minutes": gettext_noop("Minutes"),
    "unit": gettext_noop("Unit"),
    "chair": gettext_noop("Chair"),
    "chair_kind": gettext_noop("Recliner, bed or room"),
    "protocol": gettext_noop("Protocol"),
    "status": gettext_noop("Done, cancelled, not come"),
}

FIELDS: Mapping[str, tuple[str, ...]] = {
    PATIENTS: (
        "mrn", "full_name", "last_name", "first_name", "birth_date", "phone", "email", "language", "pronouns",
        "allergies", "needs", "desk_notes",
    ),
    CHAIRS: ("unit", "chair", "chair_kind"),
    APPOINTMENTS: (
        "mrn", "full_name", "last_name", "first_name", "birth_date", "date", "time", "until", "minutes", "unit",
        "chair", "protocol", "status",
    ),
}  # fmt: skip

# Each line: at least one of these has a column.
NEEDED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    PATIENTS: (("mrn",), ("last_name", "full_name"), ("birth_date",)),
    CHAIRS: (("chair",),),
    APPOINTMENTS: (("mrn", "birth_date"), ("date",), ("chair",), ("protocol", "minutes", "until")),
}

_HEADINGS: Mapping[str, tuple[str, ...]] = {
    "mrn": ("mrn", "medical record number", "record number", "chart", "chart number", "patient id", "patient number",
            "id"),
    "full_name": ("name", "patient", "patient name", "full name", "paciente"),
    "last_name": ("last name", "last", "surname", "family name", "lastname", "apellido", "apellidos", "nachname"),
    "first_name": ("first name", "first", "given name", "firstname", "forename", "nombre", "vorname"),
    "birth_date": ("birth date", "date of birth", "dob", "d o b", "born", "birthday", "birthdate", "nacimiento"),
    "phone": ("phone", "telephone", "mobile", "cell", "cell phone", "phone number", "tel", "home phone", "telefono"),
    "email": ("e mail", "email", "mail", "e mail address", "email address", "correo"),
    "language": ("language", "lang", "idioma"),
    "pronouns": ("pronouns",),
    "allergies": ("allergies", "allergy", "alergias"),
    "needs": ("needs", "special needs", "accommodations"),
    "desk_notes": ("notes", "note", "comment", "comments", "remarks", "desk notes"),
    "date": ("date", "day", "appointment date", "visit date", "appt date", "start", "starts", "begin", "fecha"),
    "time": ("time", "start time", "appointment time", "appt time", "hour", "hora", "from"),
    "until": ("end", "end time", "ends", "until", "to", "finish"),
    "minutes": ("minutes", "duration", "length", "min", "mins", "duration min", "duration minutes"),
    "unit": ("unit", "suite", "room", "department", "location"),
    "chair": ("chair", "chair name", "bed", "place", "seat", "resource", "station"),
    "chair_kind": ("kind", "type", "chair kind", "chair type"),
    "protocol": ("protocol", "treatment", "therapy", "infusion", "drug", "medication", "visit type",
                 "appointment type"),
    "status": ("status", "state", "outcome", "appointment status"),
}  # fmt: skip
_ONLY_OF_CHAIRS = {"name": "chair"}


def guess(kind: str, headings: Sequence[str]) -> dict[str, int]:
    """Column (from 0) by field, as far as the headings say; no column is given to two fields."""
    plain = [names.plain(heading) for heading in headings]
    found: dict[str, int] = {}
    for field in FIELDS[kind]:
        for wanted in _HEADINGS[field]:
            if wanted in plain and plain.index(wanted) not in found.values():
                found[field] = plain.index(wanted)
                break
    if kind == CHAIRS:
        for heading, field in _ONLY_OF_CHAIRS.items():
            if field not in found and heading in plain:
                found[field] = plain.index(heading)
    if "last_name" in found:
        found.pop("full_name", None)
    return found


def check_columns(kind: str, columns: Mapping[str, int], width: int) -> None:
    """Raises Malformed for a field or column that doesn't exist, one column for two fields, or what is missing."""
    for field, column in columns.items():
        if field not in FIELDS[kind] or not 0 <= column < width:
            raise Malformed(field, gettext_noop("There is no such column."))
    if len(set(columns.values())) < len(columns):
        twice = next(field for field, column in columns.items() if list(columns.values()).count(column) > 1)
        raise Malformed(twice, gettext_noop("One column can’t be two things. Choose another one."))
    for either in NEEDED[kind]:
        if not any(field in columns for field in either):
            raise Malformed(either[0], gettext_noop("Choose a column for this, the rows need it."))
