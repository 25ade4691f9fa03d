"""How a center words its messages, and whether the server that carries them answers."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from scheduler.models.places import Center

# Mails are read on a phone: longer than that is not read at all.
LONGEST_SUBJECT = 80
LONGEST_TEXT = 600


class Wording(models.Model):
    """A center's own words in one kind of message and language; what is empty is the standard. They hold placeholders
    such as {date} and are checked before they are kept (domain/wording.py). A row that went back to the standard
    stays, since `version` counts on: two who edit at once must see each other."""

    center = models.ForeignKey(Center, on_delete=models.CASCADE, related_name="wordings")
    kind = models.CharField(max_length=10, help_text=_("A kind of the ledger, such as reminder."))
    language = models.CharField(max_length=10)
    subject = models.CharField(max_length=LONGEST_SUBJECT, blank=True)
    opening = models.TextField(blank=True, help_text=_("Stands before the time."))
    closing = models.TextField(blank=True, help_text=_("Stands after time and place."))
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["center", "kind", "language"]
        constraints = [
            models.UniqueConstraint(fields=["center", "kind", "language"], name="wording_is_there_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} in {self.language}"


class Breaker(models.Model):
    """What the last tries with one channel's server showed. From `open_since` on it is held to be down: one message is
    tried at `try_at`, the others wait. One row for each channel, written by whoever sends."""

    channel = models.CharField(max_length=6, primary_key=True)
    faults = models.PositiveSmallIntegerField(default=0, help_text=_("In a row."))
    open_since = models.DateTimeField(null=True, blank=True)
    try_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(open_since__isnull=True) | Q(try_at__isnull=False), name="open_breaker_tries_again"
            ),
        ]

    def __str__(self) -> str:
        return self.channel
