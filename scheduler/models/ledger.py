"""The ledger: what was or will be told to whom about which appointment time. The table is the queue."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from scheduler.models.appointments import Appointment
from scheduler.models.courses import Course
from scheduler.models.people import Contact, Patient
from scheduler.models.places import Center


class LedgerEntry(models.Model):
    """One message, or one call to make. Addresses and wording are looked up when it is sent, not stored."""

    class Kind(models.TextChoices):
        BOOKED = "booked", _("booked")
        OVERVIEW = "overview", _("course overview")
        REMINDER = "reminder", _("reminder")
        MOVED = "moved", _("moved")
        CANCELLED = "cancelled", _("cancelled")
        OFFER = "offer", _("earlier slot")
        OFFER_GONE = "offer-gone", _("earlier slot is taken")
        CALL_BACK = "call-back", _("asks for another time")

    class Channel(models.TextChoices):
        EMAIL = "email", _("e-mail")
        TEXT = "text", _("text message")
        CALL = "call", _("call")

    class State(models.TextChoices):
        DUE = "due", _("due")
        CLAIMED = "claimed", _("being sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")
        MISSED = "missed", _("too late")
        SUPERSEDED = "superseded", _("no longer true")

    center = models.ForeignKey(Center, on_delete=models.CASCADE, related_name="ledger")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="ledger")
    contact = models.ForeignKey(Contact, on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="ledger", null=True, blank=True)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="ledger", null=True, blank=True)
    offer = models.ForeignKey("Offer", on_delete=models.CASCADE, related_name="ledger", null=True, blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    channel = models.CharField(max_length=6, choices=Channel.choices)
    appointment_start = models.DateTimeField(null=True, blank=True)
    offset_days = models.PositiveSmallIntegerField(default=0, help_text=_("Days before the visit; 0: now."))
    sequence = models.PositiveIntegerField(
        default=0, help_text=_("The version it tells about; 0 for reminders, one per appointment time.")
    )
    due = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.DUE)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    message_id = models.CharField(max_length=120, blank=True)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["due", "id"]
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(
                fields=["appointment", "appointment_start", "kind", "offset_days", "sequence", "channel"],
                name="ledger_tells_each_thing_once",
            ),
            models.UniqueConstraint(
                fields=["course", "kind", "sequence", "channel"],
                condition=Q(appointment__isnull=True),
                name="ledger_tells_of_a_course_once",
            ),
            models.CheckConstraint(
                condition=Q(appointment__isnull=False, appointment_start__isnull=False)
                | Q(appointment__isnull=True, course__isnull=False),
                name="ledger_is_about_something",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["due", "claimed", "sent", "failed", "missed", "superseded"]),
                name="ledger_state_is_known",
            ),
        ]
        indexes = [
            models.Index(fields=["due"], condition=Q(state__in=["due", "claimed"]), name="ledger_by_due"),
            models.Index(fields=["patient", "-due"], name="ledger_by_patient"),
        ]

    def __str__(self) -> str:
        return f"ledger entry {self.pk}"
