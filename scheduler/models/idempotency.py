"""Answers already given to an integrator's retries: the row and the booking are one transaction."""

from __future__ import annotations

from django.db import models


class IdempotencyKey(models.Model):
    """`Idempotency-Key` of one principal: what was asked (its digest) and the very bytes of the answer.

    Only successes are kept, for seven days; a refusal may well be a yes on the next try.
    """

    principal = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["principal", "key"], name="idempotency_key_is_unique_per_principal")
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_by_age")]

    def __str__(self) -> str:
        return f"idempotency key {self.pk}"
