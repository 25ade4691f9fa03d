"""Which nurse watches which appointment, and the notes that one shift leaves the next."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from scheduler.models.appointments import Appointment
from scheduler.models.people import Patient
from scheduler.models.places import Unit
from scheduler.models.staffing import Nurse


class Assignment(models.Model):
    """One nurse for one appointment, from its preparation to the end of its observation. Without a row it is nobody's
    yet. What was set by hand no suggestion changes."""

    class How(models.TextChoices):
        BY_HAND = "by-hand", _("by hand")
        SUGGESTED = "suggested", _("as suggested")

    appointment = models.OneToOneField(Appointment, on_delete=models.CASCADE, related_name="assignment")
    nurse = models.ForeignKey(Nurse, on_delete=models.CASCADE, related_name="assignments")
    how = models.CharField(max_length=9, choices=How.choices)
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        ordering = ["appointment_id"]
        constraints = [
            models.CheckConstraint(condition=Q(how__in=["by-hand", "suggested"]), name="assignment_how_is_known")
        ]

    def __str__(self) -> str:
        return f"assignment {self.pk}"

    @property
    def patient_id(self) -> int | None:
        """Whose record its events stand in."""
        return self.appointment.patient_id

    @property
    def center_id(self) -> int:
        return self.appointment.center_id


class HandoverNote(models.Model):
    """What the next shift in a unit must know, about one patient or about the unit. `date` is the unit's local one."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="handover_notes")
    date = models.DateField()
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="handover_notes", null=True, blank=True)
    text = models.CharField(max_length=500)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["unit", "at"], name="handover_note_by_unit")]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="handover_note_says_something")]

    def __str__(self) -> str:
        return f"handover note {self.pk}"

    @property
    def center_id(self) -> int:
        return self.unit.center_id


class HandoverRead(models.Model):
    """Who has read a note, and when first."""

    note = models.ForeignKey(HandoverNote, on_delete=models.CASCADE, related_name="reads")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]
        constraints = [models.UniqueConstraint(fields=["note", "reader"], name="handover_note_is_read_once_by_each")]

    def __str__(self) -> str:
        return f"read {self.pk}"
