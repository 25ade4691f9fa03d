"""What a center brings along from its spreadsheets: a file's rows, what was found wrong with each, what each became.

The raw values are patients' data. A row that was imported loses them at once, the others when the import is closed, or
seven days after the file came (services/imports.py).
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from scheduler.models.appointments import Appointment
from scheduler.models.people import Patient
from scheduler.models.places import Center, Chair, Unit


class Import(models.Model):
    """One file. `columns` says by field which column (from 0) it is in; `date_style` is how its dates are written."""

    class Kind(models.TextChoices):
        PATIENTS = "patients", _("patients")
        CHAIRS = "chairs", _("chairs")
        APPOINTMENTS = "appointments", _("appointments")

    class Status(models.TextChoices):
        MAPPING = "mapping", _("columns to choose")
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("checked, nothing imported yet")
        IMPORTING = "importing", _("being imported")
        IMPORTED = "imported", _("imported")
        UNDOING = "undoing", _("being undone")
        CLOSED = "closed", _("closed")

    center = models.ForeignKey(Center, on_delete=models.CASCADE, related_name="imports")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.MAPPING)
    date_style = models.CharField(max_length=9, blank=True)
    headings = models.JSONField(default=list)
    columns = models.JSONField(default=dict)
    unit = models.ForeignKey(Unit, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    takes_doubtful = models.BooleanField(default=False, help_text=_("Also rows that break a soft rule, or look known."))
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    role = models.CharField(max_length=12)
    forget_at = models.DateTimeField(help_text=_("Then what stands in its rows goes."))
    claimed_until = models.DateTimeField(null=True, blank=True, help_text=_("A worker is at it until then."))

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["patients", "chairs", "appointments"]), name="import_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=["mapping", "checking", "checked", "importing", "imported", "undoing", "closed"]
                ),
                name="import_status_is_known",
            ),
        ]
        indexes = [models.Index(fields=["status", "id"], name="import_by_status")]

    def __str__(self) -> str:
        return f"import {self.pk}"


class ImportBatch(models.Model):
    """What is imported, and undone, at once: one unit's day of appointments, or some hundred of the others."""

    class State(models.TextChoices):
        WAITING = "waiting", _("not imported yet")
        IMPORTED = "imported", _("imported")
        UNDONE = "undone", _("undone")

    source = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="batches")
    number = models.PositiveIntegerField()
    unit = models.ForeignKey(Unit, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    day = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)

    class Meta:
        ordering = ["source_id", "number"]
        verbose_name_plural = "import batches"
        constraints = [
            models.UniqueConstraint(fields=["source", "number"], name="import_batch_number_is_given_once"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "imported", "undone"]), name="import_batch_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"import batch {self.pk}"


class ImportRow(models.Model):
    """One row of the file, by its number there. `problems` are sentences with their facts, translated when shown."""

    class State(models.TextChoices):
        NEW = "new", _("not looked at yet")
        READY = "ready", _("ready")
        DOUBTFUL = "doubtful", _("doubtful")
        KNOWN = "known", _("there already")
        WRONG = "wrong", _("not possible")
        IMPORTED = "imported", _("imported")
        UNDONE = "undone", _("undone")
        KEPT = "kept", _("kept")

    source = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rows")
    batch = models.ForeignKey(ImportBatch, on_delete=models.SET_NULL, null=True, blank=True, related_name="rows")
    number = models.PositiveIntegerField()
    raw = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    problems = models.JSONField(default=list)
    patient = models.ForeignKey(Patient, on_delete=models.SET_NULL, null=True, blank=True, related_name="imported_rows")
    appointment = models.ForeignKey(
        Appointment, on_delete=models.SET_NULL, null=True, blank=True, related_name="imported_rows"
    )
    chair = models.ForeignKey(Chair, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    mark = models.CharField(max_length=64, blank=True, help_text=_("How it stood when it had been imported."))

    class Meta:
        ordering = ["source_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["source", "number"], name="import_row_number_is_given_once"),
            models.CheckConstraint(
                condition=Q(state__in=["new", "ready", "doubtful", "known", "wrong", "imported", "undone", "kept"]),
                name="import_row_state_is_known",
            ),
        ]
        indexes = [models.Index(fields=["source", "state", "number"], name="import_row_by_state")]

    def __str__(self) -> str:
        return f"import row {self.pk}"
