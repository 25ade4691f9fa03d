"""Patients with their contacts and registrations; the staff's memberships and the integrators' keys."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from scheduler.domain import permissions
from scheduler.models.places import Center


class Patient(models.Model):
    """A person of the organisation. Staff of a center see her once she has a registration there."""

    first_name = models.CharField(max_length=200)
    last_name = models.CharField(max_length=200)
    birth_date = models.DateField()
    pronouns = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=10, default="en")
    allergies = models.CharField(max_length=200, blank=True)
    needs = models.CharField(max_length=200, blank=True, help_text=_("Interpreter, wheelchair, dim light."))
    desk_notes = models.TextField(blank=True)
    search_text = models.CharField(
        max_length=450, editable=False, help_text=_("The names without accents and case; services keep it.")
    )
    created_at = models.DateTimeField()
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="merged_from",
        help_text=_("Who she turned out to be: all that was hers is there now."),
    )

    class Meta:
        ordering = ["last_name", "first_name", "id"]
        indexes = [
            models.Index(fields=["birth_date"], name="patient_by_birth_date"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(last_name=""), name="patient_has_a_last_name"),
        ]

    def __str__(self) -> str:
        return f"patient {self.pk}"  # never a name: this string ends up in logs and tracebacks

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def listed_name(self) -> str:
        return f"{self.last_name}, {self.first_name}" if self.first_name else self.last_name


class Contact(models.Model):
    """How to reach a patient, or somebody who speaks for her. Addresses may be shared between patients."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("e-mail")
        TEXT = "text", _("text message")
        CALL = "call", _("calls only")

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="contacts")
    name = models.CharField(max_length=200, blank=True)
    relation = models.CharField(max_length=40, default="self")
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    channel = models.CharField(
        max_length=5, choices=Channel.choices, default=Channel.EMAIL, help_text=_("How this contact is told.")
    )
    may_be_mailed = models.BooleanField(default=True, help_text=_("She agreed to be written to, by this channel."))
    stopped_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Since then nobody writes to this contact: somebody calls instead.")
    )
    language = models.CharField(
        max_length=10, blank=True, help_text=_("In which she is written to; empty: in the patient's.")
    )
    bounced_at = models.DateTimeField(
        null=True, blank=True, help_text=_("A mail server said that there is no such address: it isn't used any more.")
    )
    number_failed_at = models.DateTimeField(
        null=True, blank=True, help_text=_("The provider said that this number takes no text messages.")
    )
    may_book = models.BooleanField(default=False)
    is_primary = models.BooleanField(default=False)

    class Meta:
        ordering = ["-is_primary", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient"], condition=Q(is_primary=True), name="patient_has_one_primary_contact"
            ),
            models.CheckConstraint(condition=Q(channel__in=["email", "text", "call"]), name="contact_channel_is_known"),
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True) | Q(may_be_mailed=False), name="contact_that_stopped_is_not_mailed"
            ),
        ]

    def __str__(self) -> str:
        return f"contact {self.pk}"


class Registration(models.Model):
    """Makes a patient visible to a center's staff, under the number that center knows her by."""

    center = models.ForeignKey(Center, on_delete=models.PROTECT, related_name="registrations")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="registrations")
    mrn = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["center", "mrn"], name="mrn_is_unique_in_center"),
            models.UniqueConstraint(fields=["center", "patient"], name="patient_is_registered_once_in_center"),
            models.CheckConstraint(condition=~Q(mrn=""), name="registration_has_an_mrn"),
        ]

    def __str__(self) -> str:
        return f"registration {self.pk}"


class SearchKey(models.Model):
    """What a patient is found by at a center, derived from her names, numbers and contacts (domain/search_keys.py);
    services/findable.py keeps it. `key` has its kind in front."""

    center = models.ForeignKey(Center, on_delete=models.CASCADE, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="search_keys")
    key = models.BinaryField(max_length=170)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["center", "key", "patient"], name="search_key_is_there_once"),
        ]

    def __str__(self) -> str:
        return f"search key {self.pk}"


class ApiKey(models.Model):
    """A key of an integrator. Only its hash is kept; `prefix` is what people recognise it by."""

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, unique=True)
    key_hash = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(
        null=True, blank=True, default=None, help_text=_("null: all that the role allows, as before there were scopes")
    )
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """Ties a user or an API key to a center with a role."""

    center = models.ForeignKey(Center, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships", null=True, blank=True
    )
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="memberships", null=True, blank=True)
    role = models.CharField(max_length=12, choices=[(role, role) for role in permissions.ROLES])

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, api_key__isnull=True) | Q(user__isnull=True, api_key__isnull=False),
                name="membership_is_of_a_user_or_a_key",
            ),
            models.CheckConstraint(condition=Q(role__in=permissions.ROLES), name="membership_role_is_known"),
            models.UniqueConstraint(fields=["center", "user"], name="user_has_one_role_in_center"),
            models.UniqueConstraint(fields=["center", "api_key"], name="key_has_one_role_in_center"),
        ]

    def __str__(self) -> str:
        return f"{self.role} at {self.center}"
