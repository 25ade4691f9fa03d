"""Nurses, their shifts and breaks, and the pattern that stands in until shifts are published."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from scheduler.models.places import MINUTES_A_DAY, Center, Unit, Weekday


class Nurse(models.Model):
    center = models.ForeignKey(Center, on_delete=models.CASCADE, related_name="nurses")
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, related_name="nurse", null=True, blank=True
    )
    name = models.CharField(max_length=80)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Shift(models.Model):
    """One nurse in one unit for `[starts_at, ends_at)`, and what she can watch at once."""

    nurse = models.ForeignKey(Nurse, on_delete=models.CASCADE, related_name="shifts")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="shifts")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    patients = models.PositiveSmallIntegerField(default=4)
    acuity = models.PositiveSmallIntegerField(default=8)

    class Meta:
        ordering = ["starts_at", "nurse_id"]
        constraints = [
            models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="shift_is_not_empty"),
            models.UniqueConstraint(fields=["nurse", "starts_at"], name="nurse_starts_one_shift_at_a_time"),
        ]
        indexes = [models.Index(fields=["unit", "ends_at", "starts_at"], name="shift_by_unit")]

    def __str__(self) -> str:
        return f"shift {self.pk}"


class Break(models.Model):
    """A pause `[starts_at, ends_at)` within a shift; `covered_by` watches her patients meanwhile."""

    shift = models.ForeignKey(Shift, on_delete=models.CASCADE, related_name="breaks")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    covered_by = models.ForeignKey(Nurse, on_delete=models.SET_NULL, related_name="+", null=True, blank=True)

    class Meta:
        ordering = ["starts_at", "id"]
        constraints = [models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="break_is_not_empty")]

    def __str__(self) -> str:
        return f"break {self.pk}"


class StaffingPattern(models.Model):
    """What stands in for shifts on a weekday until they are published: wall-clock minutes `[opens, closes)`,
    so many nurses, and how many patients and how much acuity they watch together."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="staffing_patterns")
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    opens = models.PositiveSmallIntegerField()
    closes = models.PositiveSmallIntegerField()
    nurses = models.PositiveSmallIntegerField()
    patients = models.PositiveSmallIntegerField()
    acuity = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["unit_id", "weekday", "opens"]
        constraints = [
            models.CheckConstraint(
                condition=Q(opens__lt=F("closes"), closes__lte=MINUTES_A_DAY), name="staffing_pattern_is_not_empty"
            ),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="staffing_pattern_weekday_exists"),
            models.UniqueConstraint(fields=["unit", "weekday", "opens"], name="staffing_pattern_is_listed_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()}: {self.nurses}"
