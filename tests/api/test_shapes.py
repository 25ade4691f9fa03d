"""Answers that are written out by hand say what their schema's fields would."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rest_framework import serializers

from scheduler.api.day import QuarterOut
from scheduler.api.shapes import AppointmentOut
from scheduler.domain.staffing import Load, Quarter
from scheduler.models import Appointment
from scheduler.queries.day import QuarterHour
from tests import factories as make
from tests.factories import NOW
from tests.services.steps import MONDAY, book

pytestmark = pytest.mark.django_db


def test_an_appointment_says_what_its_fields_would(center, day_suite):
    chair = day_suite.chairs.select_related("unit__center").first()
    made = book(make.make_actor(center), chair, MONDAY, protocol=make.make_rescue())
    row = Appointment.objects.get(pk=made.pk)
    moments = [field.name for field in Appointment._meta.fields if field.get_internal_type() == "DateTimeField"]
    for hours, name in enumerate(moments):
        setattr(row, name, NOW + timedelta(hours=hours))
    row.override = {"codes": ["window_is_kept"], "reason": "Trial"}
    for each in (made, row):
        shape = AppointmentOut(each, context={"zone": center.zone})
        assert shape.data == serializers.ModelSerializer.to_representation(shape, each)
        assert list(shape.data) == list(shape.fields)


def test_a_quarter_hour_says_what_its_fields_would(center):
    quarter = QuarterHour(start=MONDAY, load=Load(1, 2, 3), can=Quarter(4, 5, 6))
    shape = QuarterOut(quarter, context={"zone": center.zone})
    assert shape.data == serializers.Serializer.to_representation(shape, quarter)
    assert list(shape.data) == list(shape.fields)
