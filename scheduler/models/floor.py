"""What the nurses note on the floor: answers to a protocol's checklist, what the prescriber decided, printed sheets."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from scheduler.models.appointments import Appointment
from scheduler.models.places import Unit


class ChecklistAnswer(models.Model):
    """The answer to one question of the protocol's checklist, by its code. The last answer counts; the record keeps
    that there were others."""

    class Says(models.TextChoices):
        YES = "yes", _("yes")
        NO = "no", _("no")

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="answers")
    code = models.CharField(max_length=60)
    says = models.CharField(max_length=3, choices=Says.choices)
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["appointment", "code"], name="question_has_one_answer"),
            models.CheckConstraint(condition=Q(says__in=["yes", "no"]), name="answer_is_yes_or_no"),
        ]

    def __str__(self) -> str:
        return f"answer {self.pk}"


class PrescriberDecision(models.Model):
    """What a prescriber said about an answer that needs her: a nurse records who, when and which order."""

    class Decision(models.TextChoices):
        GO_ON = "go-on", _("go on")
        STOP = "stop", _("do not treat")

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="decisions")
    code = models.CharField(max_length=60)
    decision = models.CharField(max_length=5, choices=Decision.choices)
    prescriber = models.CharField(max_length=120)
    order_reference = models.CharField(max_length=60)
    decided_at = models.DateTimeField()
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["appointment", "code"], name="question_has_one_decision"),
            models.CheckConstraint(condition=Q(decision__in=["go-on", "stop"]), name="decision_is_known"),
            models.CheckConstraint(
                condition=~Q(prescriber="") & ~Q(order_reference=""), name="decision_says_who_and_which_order"
            ),
        ]

    def __str__(self) -> str:
        return f"decision {self.pk}"


class Reaction(models.Model):
    """Something that happened to a patient during or after a treatment. `observation_minutes` is by how much it made
    the observation longer; 0 where she had gone already."""

    class Kind(models.TextChoices):
        SWELLING = "swelling", _("swelling of face, mouth or throat")
        HIVES = "hives", _("hives")
        BREATHING = "breathing", _("difficulty breathing")
        OTHER = "other", _("another reaction")

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="reactions")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    note = models.CharField(max_length=200, blank=True)
    observation_minutes = models.PositiveSmallIntegerField(default=0)
    at = models.DateTimeField()
    actor = models.CharField(max_length=80)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["swelling", "hives", "breathing", "other"]), name="reaction_kind_is_known"
            )
        ]

    def __str__(self) -> str:
        return f"reaction {self.pk}"


class SheetPrint(models.Model):
    """A day sheet that went to paper: what changed since is marked on the next one. `rows` is what stood on it, by
    appointment id: start, chair, and a keyed digest of the rest."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="sheets")
    date = models.DateField()
    number = models.PositiveIntegerField()
    printed_at = models.DateTimeField()
    printed_by = models.CharField(max_length=150)
    rows = models.JSONField(default=dict)

    class Meta:
        ordering = ["unit_id", "date", "number"]
        constraints = [models.UniqueConstraint(fields=["unit", "date", "number"], name="sheet_number_is_given_once")]

    def __str__(self) -> str:
        return f"sheet {self.pk}"
