"""The record: who changed and who read what. Append-only: triggers refuse UPDATE and DELETE.

No foreign keys: a row outlives what it tells about, and personal values are not in it, only ids, times,
statuses and reasons, so that a patient can be erased without breaking the chain.
"""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


class Event(models.Model):
    """One change, written in the change's own transaction."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=80, help_text="user:3, key:2, link:9 or job:place-visits")
    role = models.CharField(max_length=12, blank=True)
    address = models.GenericIPAddressField(null=True, help_text="Where it came from; jobs come from nowhere.")
    center_id = models.BigIntegerField(null=True)
    patient_id = models.BigIntegerField(null=True)
    subject = models.CharField(max_length=20, help_text="appointment, visit, course, patient ...")
    subject_id = models.BigIntegerField()
    verb = models.CharField(max_length=30)
    before = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    after = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["subject", "subject_id", "id"], name="event_by_subject"),
            models.Index(fields=["patient_id", "id"], name="event_by_patient"),
            models.Index(fields=["center_id", "id"], name="event_by_center"),
        ]

    def __str__(self) -> str:
        return f"event {self.pk}"


class Access(models.Model):
    """One reading of patient data, written apart from any transaction of the reader."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=80)
    role = models.CharField(max_length=12, blank=True)
    address = models.GenericIPAddressField(null=True)
    center_id = models.BigIntegerField(null=True)
    patient_id = models.BigIntegerField(null=True)
    what = models.CharField(max_length=40)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "accesses"
        indexes = [
            models.Index(fields=["patient_id", "id"], name="access_by_patient"),
            models.Index(fields=["center_id", "id"], name="access_by_center"),
        ]

    def __str__(self) -> str:
        return f"access {self.pk}"


class Seal(models.Model):
    """A batch `first_id..last_id` of one of the two tables, chained to the seal before it by its digest."""

    table = models.CharField(max_length=10)
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    rows = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    previous = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()
    form = models.PositiveSmallIntegerField(
        default=1, help_text="What the digest covers: 1 the rows, 2 also what the seal says of itself."
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["table", "first_id"], name="seal_batches_do_not_overlap"),
            models.UniqueConstraint(fields=["table", "previous"], name="seal_chain_does_not_fork"),
        ]

    def __str__(self) -> str:
        return f"seal {self.pk}"
