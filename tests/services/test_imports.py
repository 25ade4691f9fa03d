"""A center's spreadsheets come in: tried first, imported batch by batch, undone where nobody touched it since."""

from __future__ import annotations

import unicodedata
from datetime import timedelta

import pytest

from scheduler.domain.errors import Forbidden, Malformed, Refused
from scheduler.models import (
    Appointment,
    Chair,
    Dose,
    Event,
    Import,
    ImportBatch,
    ImportRow,
    LedgerEntry,
    Occupancy,
    Patient,
    Registration,
)
from scheduler.queries import duplicates, integrity, worklist
from scheduler.services import attendance, booking, erasure, import_files, import_undo, import_work, imports, jobs
from tests import factories as make
from tests.factories import NOW, utc

PATIENTS = "MRN,Last name,First name,DOB,Phone,Email\n"
VISITS = "MRN,Date,Time,Chair,Minutes,Protocol,Status\n"


class World:
    def __init__(self) -> None:
        self.center = make.make_center()
        self.unit = make.make_day_suite(self.center)
        self.chairs = [make.make_chair(self.unit) for _ in range(3)]
        self.rescue = make.make_rescue()
        self.quarterly = make.make_quarterly()
        self.actor = make.make_actor(self.center)

    def upload(self, kind: str, text: str) -> Import:
        table = import_files.read(text.encode())
        return imports.create(actor=self.actor, center=self.center, kind=kind, table=table, now=NOW)

    def checked(self, kind: str, text: str, *, style: str = "us") -> Import:
        source = self.upload(kind, text)
        imports.check(actor=self.actor, source=source, columns=source.columns, date_style=style, unit=None, now=NOW)
        self.work(source)
        assert source.status == "checked"
        return source

    def imported(self, kind: str, text: str, *, style: str = "us", doubtful: bool = True) -> Import:
        source = self.checked(kind, text, style=style)
        imports.start(actor=self.actor, source=source, takes_doubtful=doubtful, now=NOW)
        self.work(source)
        assert source.status == "imported"
        return source

    def work(self, source: Import) -> None:
        while import_work.work(now=NOW).get("batches"):
            pass
        source.refresh_from_db()


@pytest.fixture
def world(db: None) -> World:
    return World()


def states(source: Import) -> list[str]:
    return list(source.rows.order_by("number").values_list("state", flat=True))


def said(source: Import) -> list[str]:
    return [one["sentence"] for row in source.rows.order_by("number") for one in row.problems]


def patients(*rows: str) -> str:
    return PATIENTS + "\n".join(rows)


def visits(*rows: str) -> str:
    return VISITS + "\n".join(rows)


# --- patients ----------------------------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing_but_what_it_found(world):
    source = world.checked(
        "patients", patients("1,Rivera,Ana,3/14/1985,212 555 0101,", "2,Szabó,Kata,31/3/1980,,", "1,Other,X,1/1/1980,,")
    )
    assert states(source) == ["ready", "wrong", "known"]
    assert said(source) == ["There is no day “{value}”.", "The same as row {number}."]
    assert not Patient.objects.exists()
    assert not Event.objects.filter(verb="registered").exists()


def test_patients_come_in_with_their_contacts(world):
    source = world.imported(
        "patients", patients("1,Rivera,Ana,3/14/1985,212 555 0101,a@example.org", "2,Szabó,,3/31/1980,,")
    )
    assert states(source) == ["imported", "imported"]
    ana = Registration.objects.get(mrn="1").patient
    assert (ana.full_name, ana.search_text) == ("Ana Rivera", "rivera ana")
    contact = ana.contacts.get()
    assert (contact.phone, contact.email, contact.is_primary) == ("212 555 0101", "a@example.org", True)
    event = Event.objects.get(verb="registered", patient_id=ana.pk)
    assert (event.actor, event.center_id) == (world.actor.who, world.center.pk)


def test_what_was_imported_is_kept_nowhere_else(world):
    source = world.imported("patients", patients("1,Rivera,Ana,3/14/1985,,", "2,Szabó,Kata,soon,,"))
    assert [row.raw for row in source.rows.order_by("number")] == [[], ["2", "Szabó", "Kata", "soon", "", ""]]
    imports.close(actor=world.actor, source=source, now=NOW)
    assert all(row.raw == [] and row.problems == [] for row in ImportRow.objects.all())


def test_after_a_week_nothing_of_the_rows_is_left(world):
    source = world.checked("patients", patients("1,Rivera,Ana,3/14/1985,,"))
    jobs.import_rows(NOW + timedelta(days=7) - timedelta(seconds=1))
    assert source.rows.get().raw != []
    assert jobs.import_rows(NOW + timedelta(days=7)) == {"forgotten": 1}
    source.refresh_from_db()
    assert (source.status, source.rows.get().raw) == ("closed", [])
    assert jobs.import_rows(NOW + timedelta(days=8)) == {}


def test_who_is_there_already_stays_as_she_is(world):
    make.make_patient(world.center, mrn="1", first_name="Ana", last_name="Rivera", search_text="rivera ana")
    source = world.imported("patients", patients("1,Rivera,Anna,3/14/1985,999,"))
    assert states(source) == ["known"]
    assert Patient.objects.count() == 1


@pytest.mark.parametrize("row", ["1,Rivera,Ana,3/15/1985,,", "1,Okafor,Ngozi,3/14/1985,,"])
def test_a_number_that_is_somebody_elses_is_said(world, row):
    make.make_patient(world.center, mrn="1", first_name="Ana", last_name="Rivera", search_text="rivera ana")
    source = world.checked("patients", patients(row))
    assert states(source) == ["wrong"]


def test_who_looks_known_comes_in_only_when_asked_for(world):
    make.make_patient(world.center, mrn="88", first_name="Ana", last_name="Rivera", search_text="rivera ana")
    text = patients("1,Ana,Rivéra,3/14/1985,,")
    source = world.checked("patients", text)
    assert states(source) == ["doubtful"]
    imports.start(actor=world.actor, source=source, takes_doubtful=False, now=NOW)
    world.work(source)
    assert states(source) == ["doubtful"]
    assert Patient.objects.count() == 1
    assert states(world.imported("patients", text)) == ["imported"]


def test_an_address_that_is_none_is_said_in_the_words_of_the_form(world):
    source = world.checked("patients", patients("1,Rivera,Ana,3/14/1985,,nobody"))
    assert said(source) == ["An e-mail address looks like name@example.org."]


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "x" * 200, "كرم", "é\u0301\u0327va", "=1+1", "Robert'); DROP TABLE", "李"]
)
def test_names_come_in_as_they_are(world, name):
    world.imported("patients", patients(f'1,"{name}",,3/14/1985,,'))
    assert Patient.objects.get().last_name == unicodedata.normalize("NFC", name)


def test_two_imports_of_one_file_at_once_register_nobody_twice(world):
    text = patients("1,Rivera,Ana,3/14/1985,,", "2,Szabó,Kata,3/31/1980,,")
    first, second = world.checked("patients", text), world.checked("patients", text)
    for source in (first, second):
        imports.start(actor=world.actor, source=source, takes_doubtful=True, now=NOW)
    world.work(first)
    world.work(second)
    assert (states(first), states(second)) == (["imported"] * 2, ["known"] * 2)
    assert Patient.objects.count() == 2


def test_patients_are_undone_unless_something_happened_since(world):
    source = world.imported("patients", patients("1,Rivera,Ana,3/14/1985,1,", "2,Szabó,Kata,3/31/1980,2,"))
    kata = Registration.objects.get(mrn="2").patient
    booking.book(
        actor=world.actor, chair=world.chairs[0], start=utc("2026-11-24T10:00-05:00"), patient=kata, minutes=30, now=NOW
    )
    counts = import_undo.undo_batch(actor=world.actor, batch=source.batches.get(), now=NOW)
    assert counts == {"undone": 1, "kept": 1}
    assert states(source) == ["undone", "kept"]
    assert list(Patient.objects.all()) == [kata]
    with pytest.raises(Refused):
        import_undo.undo_batch(actor=world.actor, batch=source.batches.get(), now=NOW)


# --- chairs ------------------------------------------------------------------------------------------------------


def test_chairs_come_in_and_go_again(world):
    text = "Unit,Name,Type\nDay suite,Chair 9,bed\nday,Chair 1,\nMoon,Chair 3,\nDay suite,Chair 8,sofa\n"
    source = world.imported("chairs", text)
    assert states(source) == ["imported", "known", "wrong", "wrong"]
    assert Chair.objects.get(name="Chair 9").kind == "bed"
    imports.undo_all(actor=world.actor, source=source, now=NOW)
    world.work(source)
    assert not Chair.objects.filter(name="Chair 9").exists()
    assert source.status == "imported"


def test_a_chair_that_is_booked_by_now_is_kept(world):
    source = world.imported("chairs", "Unit,Name\nDay suite,Chair 9\n")
    chair = Chair.objects.select_related("unit__center").get(name="Chair 9")
    booking.book(
        actor=world.actor,
        chair=chair,
        start=utc("2026-11-24T10:00-05:00"),
        patient=make.make_patient(world.center),
        minutes=30,
        now=NOW,
    )
    imports.undo_all(actor=world.actor, source=source, now=NOW)
    world.work(source)
    assert states(source) == ["kept"]
    assert Chair.objects.filter(pk=chair.pk).exists()


# --- appointments ------------------------------------------------------------------------------------------------


def somebody(world: World, mrn: str = "1", name: str = "Rivera"):
    return make.make_patient(world.center, mrn=mrn, first_name="Ana", last_name=name, search_text=f"{name.lower()} ana")


def test_what_is_past_is_history_and_what_is_to_come_is_booked(world):
    patient = somebody(world)
    source = world.imported(
        "appointments",
        visits(
            "1,8/20/2026,10:00,Chair 1,,Eptinezumab,",
            "1,9/1/2026,10:00,Chair 1,60,,no show",
            "1,11/25/2026,10:00,Chair 1,,Eptinezumab,",
            "1,11/27/2026,10:00,Chair 1,60,,cancelled",
        ),
    )
    assert states(source) == ["imported"] * 4
    rows = list(Appointment.objects.order_by("start"))
    assert [row.status for row in rows] == ["fulfilled", "noshow", "booked", "cancelled"]
    dose = Dose.objects.get()
    assert (dose.patient, dose.given_at, dose.appointment) == (patient, utc("2026-08-20T10:00-04:00"), rows[0])
    assert rows[2].promised_wall == "2026-11-25T10:00"
    assert set(LedgerEntry.objects.values_list("kind", flat=True)) == {"reminder"}
    assert not integrity.check(now=NOW)


def test_history_counts_for_the_interval_of_what_is_to_come(world):
    somebody(world)
    source = world.imported(
        "appointments", visits("1,9/20/2026,10:00,Chair 1,,Eptinezumab,", "1,11/25/2026,10:00,Chair 1,,Eptinezumab,")
    )
    assert states(source) == ["imported", "wrong"]


def test_no_rule_speaks_against_history(world):
    somebody(world)
    source = world.imported(
        "appointments", visits("1,8/22/2026,22:00,Chair 1,,Eptinezumab,", "1,8/29/2026,22:00,Chair 1,,Eptinezumab,")
    )
    assert states(source) == ["imported"] * 2  # Saturday nights, a week apart


def test_hard_clashes_are_listed_and_the_rest_comes_in(world):
    somebody(world)
    somebody(world, "2", "Szabo")
    booking.book(
        actor=world.actor,
        chair=world.chairs[0],
        start=utc("2026-11-25T10:00-05:00"),
        patient=make.make_patient(world.center),
        minutes=60,
        now=NOW,
    )
    source = world.imported(
        "appointments",
        visits(
            "1,11/25/2026,10:30,Chair 1,60,,",
            "2,11/25/2026,10:30,Chair 2,60,,",
            "2,11/25/2026,11:00,Chair 3,60,,",
            "1,11/25/2026,20:00,Chair 2,60,,",
            "1,11/25/2026,15:00,Chair 2,60,,",
        ),
    )
    assert states(source) == ["wrong", "imported", "wrong", "wrong", "imported"]
    codes = [one["code"] for row in source.rows.order_by("number") for one in row.problems]
    assert codes == ["chair_is_free", "patient_is_free", "unit_is_open"]
    assert not integrity.check(now=NOW)


def test_history_that_overlaps_is_said(world):
    somebody(world)
    somebody(world, "2", "Szabo")
    source = world.imported(
        "appointments",
        visits("1,8/20/2026,10:00,Chair 1,60,,", "2,8/20/2026,10:30,Chair 1,60,,", "1,8/20/2026,10:30,Chair 2,60,,"),
    )
    assert states(source) == ["imported", "wrong", "wrong"]


def test_soft_breaches_go_to_the_worklist(world):
    unit = make.make_unit(world.center, nurses=1, patients=1, acuity=1, code="small", name="Small")
    for number in (1, 2):
        make.make_chair(unit, name=f"S{number}")
        somebody(world, str(number), f"Rivera{number}")
    text = visits("1,11/25/2026,10:00,S1,60,,", "2,11/25/2026,10:00,S2,60,,")
    assert states(world.checked("appointments", text)) == ["ready", "doubtful"]
    source = world.imported("appointments", text)
    assert states(source) == ["imported"] * 2
    items = [one for one in worklist.items(center=world.center, now=NOW) if one.key.startswith("imported:")]
    late = source.rows.order_by("number").last().appointment
    assert [one.appointment_id for one in items] == [late.pk]
    booking.move(actor=world.actor, appointment=late, chair=late.chair, start=utc("2026-11-25T12:00-05:00"), now=NOW)
    assert not [one for one in worklist.items(center=world.center, now=NOW) if one.key.startswith("imported:")]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("9,11/25/2026,10:00,Chair 1,60,,", "Nobody has the MRN {mrn} here. Import the patients first."),
        ("1,11/25/2026,10:00,Chair 7,60,,", "There is no chair “{chair}” here."),
        ("1,11/25/2026,10:00,Chair 1,,Moonlight,", "There is no protocol “{protocol}” here."),
        ("1,11/25/2036,10:00,Chair 1,60,,", "{day} is too long ago, or too far ahead."),
        ("1,3/14/2027,2:30,Chair 1,60,,", "There is no such time on that day: the clocks go forward."),
        ("1,11/25/2026,10:00,Chair 1,60,,done", "It is still to come, so it can’t be over."),
    ],
)
def test_what_cannot_be_is_said_in_plain_words(world, row, sentence):
    somebody(world)
    source = world.checked("appointments", visits(row))
    assert (states(source), said(source)) == (["wrong"], [sentence])


def test_the_same_file_twice_books_nothing_twice(world):
    somebody(world)
    text = visits("1,8/20/2026,10:00,Chair 1,60,,", "1,11/25/2026,10:00,Chair 1,60,,")
    world.imported("appointments", text)
    assert states(world.imported("appointments", text)) == ["known"] * 2
    assert Appointment.objects.count() == 2


def test_killed_in_the_middle_it_is_taken_up_again(world, monkeypatch):
    somebody(world)
    text = visits(*(f"1,11/{day}/2026,10:00,Chair 1,60,," for day in (23, 24, 25)))
    source = world.checked("appointments", text)
    assert source.batches.count() == 3
    imports.start(actor=world.actor, source=source, takes_doubtful=True, now=NOW)
    real, calls = import_work.import_bookings.write, []

    def killed(**values):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(**values)

    monkeypatch.setattr(import_work.import_bookings, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        import_work.work(now=NOW)
    assert Appointment.objects.count() == 1
    Import.objects.update(claimed_until=NOW + timedelta(seconds=90))  # as SIGKILL leaves it
    assert import_work.work(now=NOW).get("batches") is None
    monkeypatch.undo()
    assert import_work.work(now=NOW + timedelta(seconds=90))["batches"] >= 2
    assert states(source) == ["imported"] * 3
    assert Appointment.objects.count() == 3


def test_a_batch_that_breaks_does_not_stop_the_others(world, monkeypatch):
    somebody(world)
    source = world.checked("appointments", visits("1,11/24/2026,10:00,Chair 1,60,,", "1,11/25/2026,10:00,Chair 1,60,,"))
    imports.start(actor=world.actor, source=source, takes_doubtful=True, now=NOW)
    real = import_work.import_bookings.write

    def breaks(*, one, **values):
        if one.start.day == 24:
            raise ZeroDivisionError
        return real(one=one, **values)

    monkeypatch.setattr(import_work.import_bookings, "write", breaks)
    world.work(source)
    assert (source.status, states(source)) == ("imported", ["wrong", "imported"])


def test_a_day_is_undone_and_what_was_moved_since_is_kept(world):
    somebody(world)
    somebody(world, "2", "Szabo")
    source = world.imported(
        "appointments",
        visits("1,11/25/2026,10:00,Chair 1,60,,", "2,11/25/2026,10:00,Chair 2,60,,", "1,11/26/2026,10:00,Chair 1,60,,"),
    )
    moved = source.rows.order_by("number").first().appointment
    booking.move(actor=world.actor, appointment=moved, chair=world.chairs[2], start=moved.start, now=NOW)
    batch = source.batches.order_by("number").first()
    assert import_undo.undo_batch(actor=world.actor, batch=batch, now=NOW) == {"undone": 1, "kept": 1}
    assert states(source) == ["kept", "undone", "imported"]
    assert said(source) == ["It has been moved or changed since, so it was kept."]
    assert list(Appointment.objects.order_by("pk").values_list("status", flat=True)) == [
        "booked",
        "entered-in-error",
        "booked",
    ]
    assert Occupancy.objects.count() == 2
    assert not integrity.check(now=NOW)


def test_history_is_undone_with_its_doses(world):
    somebody(world)
    source = world.imported("appointments", visits("1,8/20/2026,10:00,Chair 1,,Eptinezumab,"))
    imports.undo_all(actor=world.actor, source=source, now=NOW)
    world.work(source)
    assert not Dose.objects.exists()
    assert not Occupancy.objects.exists()
    assert states(source) == ["undone"]
    assert not integrity.check(now=NOW)


def test_a_patient_without_number_is_found_by_name_and_birth_date(world):
    patient = somebody(world)
    text = (
        "Patient,DOB,Date,Chair,Minutes\n"
        + '"rivera, ANA",3/14/1985,11/25/2026 10:00,Chair 1,60\n"Nobody, X",3/14/1985,11/25/2026 12:00,Chair 1,60\n'
    )
    source = world.imported("appointments", text)
    assert states(source) == ["imported", "wrong"]
    assert Appointment.objects.get().patient == patient


# --- who may, and in which order ---------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["front-desk", "nurse", "auditor", "integration"])
def test_only_managers_import(world, role):
    source = world.checked("patients", patients("1,Rivera,Ana,3/14/1985,,"))
    actor = make.make_actor(world.center, role)
    for attempt in (
        lambda: imports.create(
            actor=actor, center=world.center, kind="patients", table=import_files.read(b"a\n1"), now=NOW
        ),
        lambda: imports.start(actor=actor, source=source, takes_doubtful=True, now=NOW),
        lambda: imports.close(actor=actor, source=source, now=NOW),
        lambda: imports.undo_all(actor=actor, source=source, now=NOW),
        lambda: import_undo.undo_batch(actor=actor, batch=ImportBatch(), now=NOW),
    ):
        with pytest.raises(Forbidden):
            attempt()


def test_a_button_pressed_twice_starts_it_once(world):
    source = world.checked("patients", patients("1,Rivera,Ana,3/14/1985,,"))
    imports.start(actor=world.actor, source=source, takes_doubtful=True, now=NOW)
    with pytest.raises(Refused):
        imports.start(actor=world.actor, source=source, takes_doubtful=True, now=NOW)
    with pytest.raises(Refused):
        imports.close(actor=world.actor, source=source, now=NOW)


def test_columns_may_be_changed_after_the_dry_run(world):
    source = world.checked("patients", patients("1,Rivera,Ana,3/14/1985,,"), style="day-first")
    assert states(source) == ["wrong"]
    imports.check(actor=world.actor, source=source, columns=source.columns, date_style="us", unit=None, now=NOW)
    world.work(source)
    assert states(source) == ["ready"]


@pytest.mark.parametrize("style", ["", "mdy"])
def test_the_style_of_dates_is_chosen(world, style):
    source = world.upload("patients", patients("1,Rivera,Ana,3/14/1985,,"))
    with pytest.raises(Malformed):
        imports.check(actor=world.actor, source=source, columns=source.columns, date_style=style, unit=None, now=NOW)


def test_who_is_erased_is_gone_from_rows_too(world):
    patient = somebody(world)
    source = world.checked("appointments", visits("1,11/25/2026,10:00,Chair 1,60,,"))
    erasure.erase(actor=world.actor, center=world.center, patient=patient, reason="asked", now=NOW)
    assert source.rows.get().raw == []
    imports.start(actor=world.actor, source=source, takes_doubtful=True, now=NOW)
    world.work(source)
    assert not Appointment.objects.exists()


def test_the_record_holds_nothing_of_the_rows(world):
    world.imported("patients", patients("77123,Qarivera,Qana,3/14/1985,,", "77124,Qaszabo,Qakata,soon,,"))
    whole = " ".join(f"{event.before} {event.after} {event.reason}" for event in Event.objects.all())
    assert not any(word in whole for word in ("77123", "Qarivera", "Qaszabo", "soon"))
    assert duplicates.of(
        center=world.center, first_name="Qana", last_name="Qarivera", birth_date=Patient.objects.get().birth_date
    )


def test_queries_grow_with_batches_and_not_with_the_square_of_rows(world, django_assert_max_num_queries):
    text = patients(*(f"{number},Name{number},Ana,3/14/1985,," for number in range(1, 401)))
    source = world.upload("patients", text)
    imports.check(actor=world.actor, source=source, columns=source.columns, date_style="us", unit=None, now=NOW)
    with django_assert_max_num_queries(40):
        import_work.sort(source)


def test_one_arrives_and_stays(world):
    patient = somebody(world)
    source = world.imported("appointments", visits("1,11/16/2026,10:00,Chair 1,60,,"))  # now
    row = Appointment.objects.get(patient=patient)
    attendance.arrive(actor=world.actor, appointment=row, now=NOW)
    imports.undo_all(actor=world.actor, source=source, now=NOW)
    world.work(source)
    assert states(source) == ["kept"]
