"""Links in mails: what lets a patient answer with one tap. The token itself is never stored, only its hash."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from scheduler.models.appointments import Appointment
from scheduler.models.ledger import LedgerEntry
from scheduler.models.people import Contact
from scheduler.models.worklist import Offer


class Link(models.Model):
    """One purpose each; only a text, which has room for one link, has one for all answers about its visit. About the
    appointment it is tied to the time that the message told: moved away, it is stale. `stop` is about the address
    instead, and has no end."""

    class Purpose(models.TextChoices):
        CONFIRM = "confirm", _("confirm")
        CANCEL = "cancel", _("cancel")
        ANOTHER_TIME = "another-time", _("another time")
        ANSWER = "answer", _("answer by a text's one link")
        OFFER = "offer", _("answer an offer")
        STOP = "stop", _("stop these mails")

    token_hash = models.CharField(max_length=64, unique=True)
    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    entry = models.ForeignKey(LedgerEntry, on_delete=models.CASCADE, related_name="links")
    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="links", null=True, blank=True)
    appointment_start = models.DateTimeField(null=True, blank=True)
    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="links", null=True, blank=True)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="links")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose="stop", appointment__isnull=True, expires_at__isnull=True)
                | (
                    ~Q(purpose="stop")
                    & Q(appointment__isnull=False, appointment_start__isnull=False, expires_at__isnull=False)
                ),
                name="link_is_about_a_visit_or_an_address",
            ),
            models.CheckConstraint(
                condition=Q(purpose="offer", offer__isnull=False) | (~Q(purpose="offer") & Q(offer__isnull=True)),
                name="link_of_an_offer_has_one",
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=["confirm", "cancel", "another-time", "answer", "offer", "stop"]),
                name="link_purpose_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"link {self.pk}"
