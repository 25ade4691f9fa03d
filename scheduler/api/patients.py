"""Patients: register, read, correct, search. Searches are POSTs: what is asked for is personal, a URL must not be."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from scheduler.api import shapes
from scheduler.api.bodies import Body
from scheduler.api.fields import Choice, Day, Flag, Moment, Text, Whole
from scheduler.api.replay import replayable
from scheduler.api.resource import Resource, as_asked, tagged
from scheduler.domain.errors import Forbidden
from scheduler.models import Contact, Patient
from scheduler.queries import people
from scheduler.services import exports, patients, record
from scheduler.services.patients import ContactFacts


class ContactBody(Body):
    """How to reach her, or somebody who speaks for her. The first contact is told first. One that she has already is
    known by `id`, or by its address or number, and keeps what isn't named of `may_be_mailed` and `stopped`."""

    id = Whole(required=False, min_value=1, help_text="Of the contact that is meant, where she has it already.")
    name = Text(max_length=200, required=False, allow_blank=True)
    relation = Text(max_length=40, required=False, default="self")
    email = Text(max_length=254, required=False, allow_blank=True)
    phone = Text(max_length=40, required=False, allow_blank=True)
    language = Text(max_length=10, required=False, allow_blank=True, help_text="Empty: the patient's.")
    channel = Choice(choices=Contact.Channel.choices, required=False, default="email", help_text="How she is told.")
    may_be_mailed = Flag(required=False, help_text="She agreed to be written to, by this channel.")
    stopped = Flag(
        required=False, help_text="true: nothing more is written to her, somebody calls. false: she starts again."
    )
    may_book = Flag(required=False)


class ChangedPatientBody(Body):
    first_name = Text(max_length=200, required=False, allow_blank=True)
    last_name = Text(max_length=200, required=False)
    birth_date = Day(required=False)
    pronouns = Text(max_length=40, required=False, allow_blank=True)
    language = Text(max_length=10, required=False)
    allergies = Text(max_length=200, required=False, allow_blank=True)
    needs = Text(max_length=200, required=False, allow_blank=True)
    desk_notes = Text(max_length=2000, required=False, allow_blank=True)
    contacts = ContactBody(many=True, required=False, help_text="Where given, these are all of hers: others go.")


class PatientBody(ChangedPatientBody):
    mrn = Text(max_length=40)
    first_name = Text(max_length=200, allow_blank=True)
    last_name = Text(max_length=200)
    birth_date = Day()


class SearchBody(Body):
    query = Text(max_length=200, help_text="Beginnings of names, an MRN, or a birth date.")


class ContactOut(serializers.ModelSerializer):
    """`stopped_at`: nothing is written to her since. `bounced_at`: the address came back, and isn't used any more.
    `number_failed_at`: the number takes no texts."""

    email = serializers.CharField()  # may be empty
    stopped_at = Moment(allow_null=True)
    bounced_at = Moment(allow_null=True)
    number_failed_at = Moment(allow_null=True)

    class Meta:
        model = Contact
        fields = [
            "id",
            "name",
            "relation",
            "email",
            "phone",
            "language",
            "channel",
            "may_be_mailed",
            "may_book",
            "is_primary",
            "stopped_at",
            "bounced_at",
            "number_failed_at",
        ]
        read_only_fields = fields


class FoundPatientOut(serializers.ModelSerializer):
    mrn = serializers.SerializerMethodField()
    birth_date = Day()

    class Meta:
        model = Patient
        fields = ["id", "mrn", "first_name", "last_name", "birth_date"]

    def get_mrn(self, patient: Patient) -> str:
        return people.mrn_of(patient)


class PatientOut(FoundPatientOut):
    contacts = ContactOut(many=True)

    class Meta(FoundPatientOut.Meta):
        fields = [
            *FoundPatientOut.Meta.fields,
            "pronouns",
            "language",
            "allergies",
            "needs",
            "desk_notes",
            "contacts",
        ]


class Patients(Resource):
    needs = {"GET": "export-patients", "POST": "edit-patients"}

    @extend_schema(
        operation_id="patients_export",
        parameters=shapes.PAGING,
        responses={200: shapes.page_of(PatientOut, "Patient")} | shapes.problems(400),
    )
    def get(self, request: Request) -> Response:
        """All patients of this center by id: an export. Each page is on record, and a key has 5,000 patients within
        24 hours; more are 403, and so is everybody but a key. Who looks for somebody searches."""
        if not self.actor.is_key:
            # Who is signed in proves again who she is before an export; that is a page, not a call.
            raise Forbidden(gettext_noop("People export on the patients page."))
        with transaction.atomic():
            response = self.page(people.listed(self.center), PatientOut)
            exports.note(
                actor=self.actor, center=self.center, patients=response.data["results"], form="api", now=self.now
            )
        return response

    @extend_schema(request=PatientBody, responses={201: PatientOut} | shapes.problems(400, 409))
    @replayable
    def post(self, request: Request) -> Response:
        """Register a new patient at this center."""
        body = self.body(PatientBody)
        made = patients.create_patient(
            actor=self.actor, center=self.center, contacts=_contacts(body) or [], now=self.now, **body
        )
        found = people.patient(center=self.center, pk=made.pk)
        return tagged(self.created(found, PatientOut), patients.patient_fingerprint(found))


class OnePatient(Resource):
    needs = {"GET": "view-patients", "PATCH": "edit-patients"}

    @extend_schema(responses={200: PatientOut} | shapes.problems(404))
    def get(self, request: Request, pk: int) -> Response:
        """One patient of this center."""
        found = people.patient(center=self.center, pk=pk)
        record.access(actor=self.actor, patient=found, what="patient", now=self.now)
        return tagged(self.answer(found, PatientOut), patients.patient_fingerprint(found))

    @extend_schema(
        request=ChangedPatientBody,
        parameters=[shapes.IF_MATCH],
        responses={200: PatientOut} | shapes.problems(400, 404, 412),
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Correct what the body names."""
        found = people.patient(center=self.center, pk=pk)
        body = self.body(ChangedPatientBody)
        as_read = as_asked(request, patients.patient_fingerprint(found))
        patients.update_patient(
            actor=self.actor,
            patient=found,
            center=self.center,
            contacts=_contacts(body),
            changes=body,
            as_read=as_read,
            now=self.now,
        )
        found = people.patient(center=self.center, pk=pk)
        return tagged(self.answer(found, PatientOut), patients.patient_fingerprint(found))


class PatientSearch(Resource):
    needs = {"POST": "view-patients"}

    @extend_schema(
        request=SearchBody, responses={200: shapes.page_of(FoundPatientOut, "FoundPatient")} | shapes.problems(400)
    )
    def post(self, request: Request) -> Response:
        """The patients of this center that fit, by name; at most thirty of them, all on one page."""
        found = people.search(center=self.center, query=self.body(SearchBody)["query"])
        record.access(actor=self.actor, patient=None, what="patient-search", now=self.now)
        results = FoundPatientOut(found, many=True).data
        return Response({"count": len(found), "next": None, "previous": None, "results": results})


def _contacts(body: dict[str, Any]) -> list[ContactFacts] | None:
    given = body.pop("contacts", None)
    return None if given is None else [ContactFacts(pk=one.pop("id", None), **one) for one in given]
