"""Bookings, and the chair and patient time they take."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from scheduler.domain import lifecycle
from scheduler.domain.intervals import Interval
from scheduler.models.courses import Course, Visit
from scheduler.models.people import Patient
from scheduler.models.places import Center, Chair, Unit
from scheduler.models.protocols import Protocol


class UnitDay(models.Model):
    """One unit on one local date: the lock for all that happens there. Every change bumps `version`."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="days")
    date = models.DateField()
    version = models.PositiveBigIntegerField(default=1)
    shifts_published = models.BooleanField(default=False)

    class Meta:
        ordering = ["unit_id", "date"]
        constraints = [models.UniqueConstraint(fields=["unit", "date"], name="unit_day_is_one_row")]

    def __str__(self) -> str:
        return f"unit {self.unit_id} on {self.date}"


class Appointment(models.Model):
    """A booking `[start, end)` of treatment in UTC, with the wall clock and zone it was promised at.

    `prep_minutes` before and `observation_minutes` + `turnover_minutes` after belong to its occupancy.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("held")
        BOOKED = "booked", _("booked")
        ARRIVED = "arrived", _("arrived")
        CHECKED_IN = "checked-in", _("checked in")
        FULFILLED = "fulfilled", _("done")
        CANCELLED = "cancelled", _("cancelled")
        NOSHOW = "noshow", _("did not come")
        ENTERED_IN_ERROR = "entered-in-error", _("entered in error")

    class Outcome(models.TextChoices):
        GIVEN = "given", _("given")
        PARTIAL = "partial", _("partly given")
        NOT_GIVEN = "not-given", _("not given")

    center = models.ForeignKey(Center, on_delete=models.PROTECT, related_name="appointments")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="appointments")
    chair = models.ForeignKey(Chair, on_delete=models.PROTECT, related_name="appointments")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="appointments", null=True, blank=True)
    protocol = models.ForeignKey(Protocol, on_delete=models.PROTECT, related_name="appointments", null=True, blank=True)
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="appointments", null=True, blank=True)
    start = models.DateTimeField()
    end = models.DateTimeField()
    promised_wall = models.CharField(max_length=16, help_text=_("Local start, such as 2027-03-14T01:00."))
    promised_zone = models.CharField(max_length=64)
    prep_minutes = models.PositiveSmallIntegerField(default=0)
    observation_minutes = models.PositiveSmallIntegerField(default=0)
    turnover_minutes = models.PositiveSmallIntegerField(default=0)
    acuity = models.PositiveSmallIntegerField(default=1)

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.BOOKED)
    phase = models.CharField(max_length=16, blank=True)
    hold_expires_at = models.DateTimeField(null=True, blank=True)
    held_by = models.CharField(max_length=80, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    arrived_at = models.DateTimeField(null=True, blank=True)
    checked_in_at = models.DateTimeField(null=True, blank=True)
    actual_start = models.DateTimeField(null=True, blank=True)
    actual_end = models.DateTimeField(null=True, blank=True)
    phase_at = models.DateTimeField(null=True, blank=True)
    # The nurses' steps besides arrived, checked in, and begin and end of the infusion (actual_start, actual_end).
    in_chair_at = models.DateTimeField(null=True, blank=True)
    premedication_at = models.DateTimeField(null=True, blank=True)
    observed_at = models.DateTimeField(null=True, blank=True, help_text=_("The end of observation."))
    discharged_at = models.DateTimeField(null=True, blank=True)
    cleaned_at = models.DateTimeField(null=True, blank=True)
    extra_observation_minutes = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text=_("After a reaction, where the plan of the chair had no room for more.")
    )
    outcome = models.CharField(max_length=9, choices=Outcome.choices, blank=True)
    reason = models.CharField(max_length=200, blank=True, help_text=_("Why it was cancelled or not given."))
    override = models.JSONField(null=True, blank=True, help_text=_("Soft rules set aside, by whom and why."))
    created_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["start", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(start__lt=F("end")), name="appointment_is_not_empty"),
            models.CheckConstraint(condition=Q(status__in=lifecycle.STATUSES), name="appointment_status_is_known"),
            models.CheckConstraint(condition=Q(phase__in=["", *lifecycle.PHASES]), name="appointment_phase_is_known"),
            models.CheckConstraint(
                condition=Q(status="pending", hold_expires_at__isnull=False)
                | (~Q(status="pending") & Q(hold_expires_at__isnull=True)),
                name="only_a_hold_expires",
            ),
            models.CheckConstraint(
                condition=Q(patient__isnull=False) | Q(status__in=["pending", "cancelled"]),
                name="only_a_hold_lacks_a_patient",
            ),
            models.CheckConstraint(
                condition=Q(actual_start__isnull=True)
                | Q(actual_end__isnull=True)
                | Q(actual_start__lte=F("actual_end")),
                name="appointment_ends_after_it_began",
            ),
            models.UniqueConstraint(
                fields=["visit"],
                condition=Q(status__in=lifecycle.LIVE),
                name="visit_has_one_live_appointment",
            ),
        ]
        indexes = [
            models.Index(fields=["unit", "start"], name="appointment_by_unit"),
            models.Index(fields=["patient", "start"], name="appointment_by_patient"),
            models.Index(fields=["chair", "start"], name="appointment_by_chair"),
            models.Index(fields=["hold_expires_at"], condition=Q(status="pending"), name="appointment_holds_by_expiry"),
            models.Index(fields=["start"], condition=Q(status="booked"), name="appointment_booked_by_start"),
        ]

    def __str__(self) -> str:
        return f"appointment {self.pk}"

    @property
    def expected_at(self) -> datetime:
        """When the patient is to be there: preparation comes before the treatment's start."""
        return self.start - timedelta(minutes=self.prep_minutes)


class Occupancy(models.Model):
    """What an appointment, or the stay of a course, takes: chair `[chair_from, chair_until)`, patient likewise.

    The only table with the no-overlap backstop (models/backstop.py). Rows are inserted and deleted, never
    updated. A stay holds the chair for the course; the doses inside it hold only the patient.
    """

    appointment = models.OneToOneField(
        Appointment, on_delete=models.CASCADE, related_name="occupancy", null=True, blank=True
    )
    stay = models.OneToOneField(Course, on_delete=models.CASCADE, related_name="stay", null=True, blank=True)
    chair = models.ForeignKey(Chair, on_delete=models.PROTECT, related_name="occupancies", null=True, blank=True)
    chair_from = models.DateTimeField(null=True, blank=True)
    chair_until = models.DateTimeField(null=True, blank=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="occupancies", null=True, blank=True)
    patient_from = models.DateTimeField(null=True, blank=True)
    patient_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "occupancies"
        constraints = [
            models.CheckConstraint(
                condition=Q(appointment__isnull=False, stay__isnull=True)
                | Q(appointment__isnull=True, stay__isnull=False),
                name="occupancy_is_of_an_appointment_or_a_stay",
            ),
            models.CheckConstraint(
                condition=Q(chair__isnull=True, chair_from__isnull=True, chair_until__isnull=True)
                | Q(
                    chair__isnull=False,
                    chair_from__isnull=False,
                    chair_until__isnull=False,
                    chair_from__lt=F("chair_until"),
                ),
                name="occupancy_of_chair_is_not_empty",
            ),
            models.CheckConstraint(
                condition=Q(patient__isnull=True, patient_from__isnull=True, patient_until__isnull=True)
                | Q(
                    patient__isnull=False,
                    patient_from__isnull=False,
                    patient_until__isnull=False,
                    patient_from__lt=F("patient_until"),
                ),
                name="occupancy_of_patient_is_not_empty",
            ),
            models.CheckConstraint(
                condition=Q(chair__isnull=False) | Q(patient__isnull=False), name="occupancy_takes_something"
            ),
        ]
        indexes = [
            models.Index(fields=["chair", "chair_until", "chair_from"], name="occupancy_by_chair"),
            models.Index(fields=["patient", "patient_until", "patient_from"], name="occupancy_by_patient"),
        ]

    def __str__(self) -> str:
        return f"occupancy {self.pk}"

    @property
    def chair_time(self) -> Interval | None:
        if self.chair_from is None or self.chair_until is None:
            return None
        return Interval(self.chair_from, self.chair_until)
