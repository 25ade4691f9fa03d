"""Who is signed in where, what recovery codes there are, and mail about accounts. Users themselves are Django's."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class SignIn(models.Model):
    """One person signed in in one browser. Its session holds this row's id; a row that has ended ends the session at
    the next request. `roles` is a digest of the roles at sign-in, `confirmed_at` when she last proved who she is."""

    class Why(models.TextChoices):
        OUT = "out", "signed out"
        IDLE = "idle", "idle for too long"
        ABSOLUTE = "absolute", "signed in for too long"
        ROLES = "roles", "a role changed"
        ELSEWHERE = "elsewhere", "ended from another session"
        PASSWORD = "password", "the password changed"
        DISABLED = "disabled", "the user is disabled"
        FACTOR = "factor", "the second factor is missing"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins")
    since = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    why_ended = models.CharField(max_length=10, choices=Why.choices, blank=True)
    second_factor = models.BooleanField(default=False)
    roles = models.CharField(max_length=64)
    address = models.GenericIPAddressField(null=True)
    browser = models.CharField(max_length=40, blank=True)
    system = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["-last_seen_at", "-id"]
        indexes = [models.Index(fields=["user", "ended_at"], name="sign_in_by_user")]

    def __str__(self) -> str:
        return f"sign-in {self.pk}"


class RecoveryCode(models.Model):
    """Stands in once for a second factor that isn't at hand. Only a salted PBKDF2 hash is kept; the codes that were
    made together share a salt, so that one try costs one hash."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes")
    salt = models.CharField(max_length=32)
    digest = models.CharField(max_length=200)
    made_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_is_listed_once")]

    def __str__(self) -> str:
        return f"recovery code {self.pk}"


class AccountMail(models.Model):
    """A mail about an account that is to be sent. The table is the queue: no request waits for a mail server.

    A reset is asked for by what somebody typed (`asked`); only the job looks whether that is anybody, so that the
    answer and its timing are the same for all. What was typed is wiped when the row is done.
    """

    class Kind(models.TextChoices):
        RESET = "reset", "choose a new password"
        CHANGED = "changed", "the password was changed"
        FACTOR = "factor", "the second factor was changed"

    class State(models.TextChoices):
        DUE = "due", "due"
        CLAIMED = "claimed", "claimed"
        SENT = "sent", "sent"
        DROPPED = "dropped", "nobody to tell"
        FAILED = "failed", "failed"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    asked = models.CharField(max_length=254, blank=True)
    address = models.GenericIPAddressField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DUE)
    created_at = models.DateTimeField()
    due = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["state", "due"], name="account_mail_by_due")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="reset") | Q(user__isnull=False), name="account_mail_is_for_somebody"
            ),
        ]

    def __str__(self) -> str:
        return f"account mail {self.pk}"
