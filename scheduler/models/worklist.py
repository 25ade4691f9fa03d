"""Marks on the worklist, the waitlist, and signs of life of the background processes.

The worklist itself is a query (queries/worklist.py); here is only what people add to it.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from scheduler.models.appointments import Appointment
from scheduler.models.courses import Visit
from scheduler.models.people import Patient
from scheduler.models.places import Center, Chair


class WorklistMark(models.Model):
    """Who took an item, until when it is put off, and whether the floor left it to the desk. `item` is the item's
    stable key, such as `unplaced:12`."""

    center = models.ForeignKey(Center, on_delete=models.CASCADE, related_name="worklist_marks")
    item = models.CharField(max_length=60)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, related_name="+", null=True, blank=True
    )
    snoozed_until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When a nurse on the floor left it to the desk.")
    )
    asked_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["center", "item"], name="worklist_item_is_marked_once"),
            models.CheckConstraint(condition=Q(snoozed_until__isnull=True) | ~Q(reason=""), name="snooze_has_a_reason"),
        ]

    def __str__(self) -> str:
        return self.item


class WaitlistEntry(models.Model):
    """A patient who wants an earlier slot for a booked visit, and when she can come (UTC, half-open), on which local
    weekdays (0 is Monday; none given: all) and in which half of the day."""

    class Priority(models.IntegerChoices):
        WHEN_POSSIBLE = 0, _("when possible")
        SOON = 1, _("soon")
        URGENT = 2, _("urgent")

    class Part(models.TextChoices):
        ANY = "", _("all day")
        MORNING = "morning", _("before noon")
        AFTERNOON = "afternoon", _("from noon")

    center = models.ForeignKey(Center, on_delete=models.CASCADE, related_name="waitlist")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="waitlist")
    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="waitlist", null=True, blank=True)
    appointment = models.ForeignKey(
        Appointment, on_delete=models.CASCADE, related_name="waitlist", null=True, blank=True
    )
    earliest = models.DateTimeField()
    latest = models.DateTimeField()
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.WHEN_POSSIBLE)
    weekdays = models.JSONField(default=list, blank=True)
    part = models.CharField(max_length=9, choices=Part.choices, blank=True)
    offered_at = models.DateTimeField(null=True, blank=True)
    offered_start = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "id"]
        verbose_name_plural = "waitlist entries"
        constraints = [
            models.CheckConstraint(condition=Q(earliest__lt=F("latest")), name="waitlist_range_is_not_empty"),
            models.CheckConstraint(
                condition=Q(priority__lte=2, part__in=["", "morning", "afternoon"]), name="waitlist_wish_is_known"
            ),
            models.UniqueConstraint(
                fields=["appointment"],
                condition=Q(closed_at__isnull=True),
                name="appointment_waits_once",
            ),
        ]

    def __str__(self) -> str:
        return f"waitlist entry {self.pk}"


class Offer(models.Model):
    """One place that was offered to one who waits, instead of the time she has. Nothing is kept free for it: the
    first to accept has it."""

    class State(models.TextChoices):
        OPEN = "open", _("waits for her answer")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        GONE = "gone", _("taken by somebody else")
        EXPIRED = "expired", _("no answer in time")
        WITHDRAWN = "withdrawn", _("withdrawn")

    center = models.ForeignKey(Center, on_delete=models.CASCADE, related_name="offers")
    entry = models.ForeignKey(WaitlistEntry, on_delete=models.CASCADE, related_name="offers")
    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="offers")
    appointment_start = models.DateTimeField(help_text=_("The time she has; moved since, the offer is over."))
    chair = models.ForeignKey(Chair, on_delete=models.CASCADE, related_name="offers")
    start = models.DateTimeField()
    taken_from = models.DateTimeField(help_text=_("With preparation, observation and cleaning: what it needs."))
    taken_until = models.DateTimeField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["entry"], condition=Q(state="open"), name="one_open_offer_for_each_wait"),
            models.CheckConstraint(condition=Q(taken_from__lt=F("taken_until")), name="offer_is_not_empty"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "accepted", "declined", "gone", "expired", "withdrawn"]),
                name="offer_state_is_known",
            ),
        ]
        indexes = [models.Index(fields=["center", "state", "expires_at"], name="offer_by_center")]

    def __str__(self) -> str:
        return f"offer {self.pk}"


class Heartbeat(models.Model):
    """When a background process last showed that it lives; `/readyz` reads it."""

    name = models.CharField(max_length=40, primary_key=True, help_text=_("worker, beat, or a job's name"))
    at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name
