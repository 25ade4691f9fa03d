"""Courses and their visits: what is clinically due, apart from what is booked."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from scheduler.models.people import Patient
from scheduler.models.places import Center, Chair, Unit
from scheduler.models.protocols import Protocol


class Course(models.Model):
    """One patient on one protocol version. `start` is when the first treatment is due (UTC)."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        ACTIVE = "active", _("active")
        ON_HOLD = "on-hold", _("on hold")
        COMPLETED = "completed", _("completed")
        DISCONTINUED = "discontinued", _("discontinued")

    center = models.ForeignKey(Center, on_delete=models.PROTECT, related_name="courses")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="courses")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="courses")
    protocol = models.ForeignKey(Protocol, on_delete=models.PROTECT, related_name="courses")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=200, blank=True)
    start = models.DateTimeField()
    doses = models.PositiveSmallIntegerField(null=True, blank=True, help_text=_("Empty: open-ended."))
    dose_mg = models.DecimalField(
        max_digits=8, decimal_places=3, null=True, blank=True, help_text=_("Empty: the protocol's own dose.")
    )
    indication = models.CharField(max_length=120, blank=True)

    preferred_minute = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=_("Minute of the local day; 600 is 10:00.")
    )
    preferred_part = models.CharField(max_length=10, blank=True)
    preferred_weekdays = models.JSONField(default=list, blank=True)
    preferred_chair = models.ForeignKey(Chair, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    prescriber = models.CharField(max_length=120, blank=True)
    order_reference = models.CharField(max_length=60, blank=True)
    order_from = models.DateField(null=True, blank=True)
    order_until = models.DateField(null=True, blank=True, help_text=_("The last local day it covers."))
    authorization_reference = models.CharField(max_length=60, blank=True)
    authorization_from = models.DateField(null=True, blank=True)
    authorization_until = models.DateField(null=True, blank=True, help_text=_("The last local day it covers."))
    authorization_visits = models.PositiveSmallIntegerField(null=True, blank=True)
    attested_by = models.CharField(max_length=120, blank=True)
    attested_at = models.DateTimeField(null=True, blank=True)
    attestation_reference = models.CharField(max_length=60, blank=True)

    created_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-start", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["draft", "active", "on-hold", "completed", "discontinued"]),
                name="course_status_is_known",
            ),
            models.CheckConstraint(condition=Q(doses__isnull=True) | Q(doses__gt=0), name="course_has_doses"),
            models.CheckConstraint(
                condition=Q(order_from__isnull=True)
                | Q(order_until__isnull=True)
                | Q(order_from__lte=F("order_until")),
                name="order_is_not_empty",
            ),
            models.CheckConstraint(
                condition=Q(authorization_from__isnull=True)
                | Q(authorization_until__isnull=True)
                | Q(authorization_from__lte=F("authorization_until")),
                name="authorization_is_not_empty",
            ),
            models.CheckConstraint(
                condition=Q(attested_at__isnull=True) | (~Q(attested_by="") & ~Q(attestation_reference="")),
                name="attestation_names_prescriber_and_order",
            ),
        ]
        indexes = [models.Index(fields=["status", "id"], name="course_by_status")]

    def __str__(self) -> str:
        return f"course {self.pk}"

    @property
    def is_attested(self) -> bool:
        return self.attested_at is not None


class Visit(models.Model):
    """One dose that is clinically due. `[window_start, window_end)` is when its treatment may start (UTC)."""

    class State(models.TextChoices):
        UNPLACED = "unplaced", _("no place yet")
        BOOKED = "booked", _("booked")
        DONE = "done", _("done")
        WAIVED = "waived", _("waived")

    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="visits")
    ordinal = models.PositiveSmallIntegerField()
    due = models.DateTimeField()
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.UNPLACED)
    reason = models.CharField(max_length=200, blank=True, help_text=_("Why it was waived, or taken down."))
    refusals = models.JSONField(
        default=list, blank=True, encoder=DjangoJSONEncoder, help_text=_("Why it has no place, rule by rule.")
    )
    tried_at = models.DateTimeField(null=True, blank=True, help_text=_("When a place was last looked for."))

    class Meta:
        ordering = ["course_id", "ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["course", "ordinal"], name="visit_ordinal_is_unique"),
            models.CheckConstraint(condition=Q(ordinal__gt=0), name="visit_ordinal_counts_from_one"),
            models.CheckConstraint(condition=Q(window_start__lt=F("window_end")), name="visit_window_is_not_empty"),
            models.CheckConstraint(
                condition=Q(state__in=["unplaced", "booked", "done", "waived"]), name="visit_state_is_known"
            ),
            models.CheckConstraint(condition=~Q(state="waived") | ~Q(reason=""), name="waived_visit_has_a_reason"),
        ]
        indexes = [
            models.Index(fields=["due"], condition=Q(state="unplaced"), name="visit_unplaced_by_due"),
        ]

    def __str__(self) -> str:
        return f"visit {self.pk}"
