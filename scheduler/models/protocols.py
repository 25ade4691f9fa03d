"""Protocols: how a therapy is scheduled. All clinical figures are data here, signed off by a clinician."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from scheduler.domain.protocols import Component, Lengths, ProtocolSpec, RollingCap
from scheduler.domain.recurrence import Cadence, Gap, Spread
from scheduler.models.places import Center


class Protocol(models.Model):
    """One version of a protocol. Once `published_at` is set the database refuses every change and deletion.

    `counts_in` is the unit of window, tolerance and minimum interval: whole local days, or real minutes.
    Lengths are minutes. `first_visits` says for how many visits of a course the `first_*` lengths hold.
    """

    class CountsIn(models.TextChoices):
        DAYS = "days", _("local days")
        MINUTES = "minutes", _("real minutes")

    center = models.ForeignKey(Center, on_delete=models.PROTECT, related_name="protocols", null=True, blank=True)
    code = models.SlugField(max_length=60)
    version = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=120)
    short_name = models.CharField(max_length=40)
    abbreviation = models.CharField(max_length=6)
    published_at = models.DateTimeField(null=True, blank=True)

    cadence_kind = models.CharField(max_length=10)
    cadence_every = models.PositiveSmallIntegerField(default=1)
    cadence_unit = models.CharField(max_length=6, default="months")
    cadence_within_day = models.JSONField(default=list, blank=True)
    doses = models.JSONField(default=list, blank=True, help_text=_("Numbers of doses a course may have; empty: any."))
    default_doses = models.PositiveSmallIntegerField(null=True, blank=True)
    days = models.JSONField(
        default=dict, blank=True, help_text=_("Days a course may last, and how many doses that is.")
    )
    may_be_open_ended = models.BooleanField(default=False)

    prep_minutes = models.PositiveSmallIntegerField(default=0)
    visit_minutes = models.PositiveSmallIntegerField()
    observation_minutes = models.PositiveSmallIntegerField(default=0)
    turnover_minutes = models.PositiveSmallIntegerField(default=0)
    first_visits = models.PositiveSmallIntegerField(default=0)
    first_prep_minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    first_visit_minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    first_observation_minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    reaction_minutes = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=_("Observation added after a reaction; empty: 60, the longest in use here.")
    )

    counts_in = models.CharField(max_length=7, choices=CountsIn.choices)
    window_before = models.PositiveIntegerField(default=0)
    window_after = models.PositiveIntegerField(default=0)
    tolerance_before = models.PositiveIntegerField(default=0)
    tolerance_after = models.PositiveIntegerField(default=0)
    min_interval = models.PositiveIntegerField(default=0)
    caps = models.JSONField(default=list, blank=True)

    substance = models.CharField(max_length=60, blank=True)
    dose_mg = models.DecimalField(max_digits=8, decimal_places=3, null=True, blank=True)
    components = models.JSONField(default=list, blank=True)
    checklist = models.JSONField(default=list, blank=True)
    sources = models.JSONField(default=dict, blank=True, help_text=_("Field -> where its figure is from."))
    acuity = models.PositiveSmallIntegerField(default=1)
    first_acuity = models.PositiveSmallIntegerField(null=True, blank=True)
    needs_driver = models.BooleanField(default=False)
    needs_bed = models.BooleanField(default=False)
    keeps_chair = models.BooleanField(default=False)

    class Meta:
        ordering = ["code", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["center", "code", "version"], name="protocol_version_is_unique"),
            models.UniqueConstraint(
                fields=["code", "version"],
                condition=Q(center__isnull=True),
                name="shared_protocol_version_is_unique",
            ),
            models.CheckConstraint(condition=Q(visit_minutes__gt=0), name="protocol_visit_takes_time"),
            models.CheckConstraint(condition=Q(version__gt=0), name="protocol_version_counts_from_one"),
            models.CheckConstraint(
                condition=Q(cadence_kind__in=["once", "calendar", "elapsed"]), name="protocol_cadence_is_known"
            ),
            models.CheckConstraint(condition=Q(cadence_every__gt=0), name="protocol_cadence_advances"),
            models.CheckConstraint(condition=Q(counts_in__in=["days", "minutes"]), name="protocol_counts_in_known"),
            models.CheckConstraint(condition=Q(acuity__gte=1, acuity__lte=4), name="protocol_acuity_is_1_to_4"),
        ]

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"

    @property
    def key(self) -> str:
        return f"{self.code} v{self.version}"

    def spec(self) -> ProtocolSpec:
        """The protocol as the domain's value, without the database behind it."""
        first = Lengths(
            prep=_or(self.first_prep_minutes, self.prep_minutes),
            treatment=_or(self.first_visit_minutes, self.visit_minutes),
            observation=_or(self.first_observation_minutes, self.observation_minutes),
            turnover=self.turnover_minutes,
        )
        return ProtocolSpec(
            code=self.code,
            version=self.version,
            name=self.name,
            short_name=self.short_name,
            cadence=Cadence(
                kind=self.cadence_kind,  # type: ignore[arg-type]  # the check constraint keeps it to the three
                every=self.cadence_every,
                unit=self.cadence_unit,  # type: ignore[arg-type]
                within_day=tuple(self.cadence_within_day) or (0,),
            ),
            window=self._spread(self.window_before, self.window_after),
            tolerance=self._spread(self.tolerance_before, self.tolerance_after),
            gap=Gap(counts_in=self._unit(), at_least=self.min_interval),
            caps=tuple(RollingCap.from_json(cap) for cap in self.caps),
            first=first,
            repeat=Lengths(
                prep=self.prep_minutes,
                treatment=self.visit_minutes,
                observation=self.observation_minutes,
                turnover=self.turnover_minutes,
            ),
            first_visits=self.first_visits,
            substance=self.substance,
            dose_mg=Decimal(str(self.dose_mg or 0)),
            acuity=self.acuity,
            first_acuity=_or(self.first_acuity, self.acuity),
            needs_bed=self.needs_bed,
            needs_driver=self.needs_driver,
            keeps_chair=self.keeps_chair,
            components=tuple(Component.from_json(component) for component in self.components),
        )

    def _unit(self):  # -> Literal["days", "minutes"]; the check constraint keeps it to the two
        return self.counts_in

    def _spread(self, before: int, after: int) -> Spread:
        return Spread(counts_in=self._unit(), before=before, after=after)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
