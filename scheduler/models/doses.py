"""What was given to a patient, here or elsewhere. Caps and intervals count these rows."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from scheduler.models.appointments import Appointment
from scheduler.models.courses import Visit
from scheduler.models.people import Patient


class Dose(models.Model):
    """`given_at` is the actual start (UTC). `partial` counts as given, `not-given` counts as nothing."""

    class Status(models.TextChoices):
        GIVEN = "given", _("given")
        PARTIAL = "partial", _("partly given")
        NOT_GIVEN = "not-given", _("not given")

    class Place(models.TextChoices):
        HERE = "here", _("here")
        ELSEWHERE = "elsewhere", _("at home or elsewhere")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="recorded_doses")
    substance = models.CharField(max_length=60)
    mg = models.DecimalField(max_digits=8, decimal_places=3, default=0)
    given_at = models.DateTimeField()
    place = models.CharField(max_length=10, choices=Place.choices, default=Place.HERE)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.GIVEN)
    reason = models.CharField(max_length=200, blank=True)
    appointment = models.OneToOneField(
        Appointment, on_delete=models.PROTECT, related_name="dose", null=True, blank=True
    )
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="recorded_doses", null=True, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["given_at", "id"]
        indexes = [models.Index(fields=["patient", "substance", "given_at"], name="dose_by_patient")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["given", "partial", "not-given"]), name="dose_status_is_known"
            ),
            models.CheckConstraint(condition=Q(place__in=["here", "elsewhere"]), name="dose_place_is_known"),
            models.CheckConstraint(
                condition=~Q(status="not-given") | ~Q(reason=""), name="dose_not_given_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"dose {self.pk}"
