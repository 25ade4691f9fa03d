"""Where treatment happens: centers, their units and chairs, when they are open and when not."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import phonenumbers
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from scheduler.domain import localtime

MINUTES_A_DAY = 24 * 60


def check_time_zone(name: str) -> None:
    """Refuse anything that is not an IANA zone on this machine."""
    try:
        localtime.zone(name)
    except localtime.UnknownZone as unknown:
        raise ValidationError(
            _("“%(name)s” is not a time zone. One looks like America/New_York."), params={"name": name}
        ) from unknown


def check_country(code: str) -> None:
    """Refuse anything that isn't the ISO 3166 code of a country with phone numbers."""
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValidationError(_("“%(code)s” is not a country. One looks like US."), params={"code": code})


class Center(models.Model):
    """One site. `mail_name` is the neutral name that mails carry: it must not hint at the treatment."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    mail_name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=64, validators=[check_time_zone])
    phone = models.CharField(max_length=40)
    address = models.CharField(max_length=200, blank=True)
    sheet_phones = models.CharField(
        max_length=200, blank=True, help_text=_("For the day sheet's foot, such as Pharmacy 4420, Emergency 4444.")
    )
    reminder_days = models.JSONField(default=list, help_text=_("Days before a visit, such as [3, 1]."))
    reminder_minute = models.PositiveSmallIntegerField(
        default=10 * 60, help_text=_("Minute of the local day at which reminders leave; 600 is 10:00.")
    )
    quiet_from = models.PositiveSmallIntegerField(
        default=21 * 60, help_text=_("Minute of the local day from which no mail leaves; 1260 is 21:00.")
    )
    quiet_until = models.PositiveSmallIntegerField(
        default=8 * 60, help_text=_("And until when; the same as the one above: mails leave at any time.")
    )
    patients_choose_times = models.BooleanField(
        default=False, help_text=_("Patients may take another free time themselves, by the link in their mail.")
    )
    mails_a_minute = models.PositiveSmallIntegerField(
        default=120, help_text=_("So many leave in a minute at most: mail servers turn away who sends too quickly.")
    )
    texts_a_minute = models.PositiveSmallIntegerField(
        default=60, help_text=_("So many text messages leave in a minute at most: providers have limits, too.")
    )
    country = models.CharField(
        max_length=2,
        default="US",
        validators=[check_country],
        help_text=_("Two letters, such as US: how phone numbers without + are read."),
    )
    offers_at_once = models.PositiveSmallIntegerField(
        default=1, help_text=_("How many of those who wait are asked about one freed place at the same time.")
    )
    offer_minutes = models.PositiveSmallIntegerField(default=120, help_text=_("How long an offer stands."))
    offer_notice_hours = models.PositiveSmallIntegerField(
        default=4, help_text=_("Nobody is offered a place that is sooner than that.")
    )
    offers_a_week = models.PositiveSmallIntegerField(
        default=3, help_text=_("How often the same person is asked within seven days.")
    )
    no_show_after_minutes = models.PositiveSmallIntegerField(default=60)
    second_factor_roles = models.JSONField(
        default=list, blank=True, help_text=_('Roles that sign in with a second factor, such as ["manager"].')
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(reminder_minute__gte=7 * 60, reminder_minute__lte=21 * 60),
                name="center_reminds_at_a_decent_hour",
            ),
            models.CheckConstraint(
                condition=Q(quiet_from__lt=24 * 60, quiet_until__lt=24 * 60), name="center_is_quiet_by_the_clock"
            ),
            models.CheckConstraint(
                condition=Q(offers_at_once__gte=1, offers_at_once__lte=50, offer_minutes__gte=5, mails_a_minute__gte=1),
                name="center_offers_in_reason",
            ),
            models.CheckConstraint(condition=Q(texts_a_minute__gte=1), name="center_texts_in_reason"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return localtime.zone(self.time_zone)


class Unit(models.Model):
    """A part of a center with its own opening hours and nurses."""

    center = models.ForeignKey(Center, on_delete=models.PROTECT, related_name="units")
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["center_id", "position", "id"]
        constraints = [models.UniqueConstraint(fields=["center", "code"], name="unit_code_is_unique_in_center")]

    def __str__(self) -> str:
        return self.name


class Weekday(models.IntegerChoices):
    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class OpeningHours(models.Model):
    """Wall-clock minutes `[opens, closes)` of one weekday in the center's zone; 0 to 1440 is all day."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="opening_hours")
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    opens = models.PositiveSmallIntegerField()
    closes = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["unit_id", "weekday", "opens"]
        verbose_name_plural = "opening hours"
        constraints = [
            models.CheckConstraint(
                condition=Q(opens__lt=F("closes"), closes__lte=MINUTES_A_DAY), name="opening_hours_are_not_empty"
            ),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="opening_hours_weekday_exists"),
            models.UniqueConstraint(fields=["unit", "weekday", "opens"], name="opening_hours_are_listed_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {_clock(self.opens)}-{_clock(self.closes)}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


class ChairKind(models.TextChoices):
    RECLINER = "recliner", _("recliner")
    BED = "bed", _("bed")
    ROOM = "room", _("private room")


class Chair(models.Model):
    """One place to sit or lie. A chair out of service for some days has a closure; `is_active` is for good."""

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="chairs")
    name = models.CharField(max_length=40)
    kind = models.CharField(max_length=10, choices=ChairKind.choices, default=ChairKind.RECLINER)
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["unit_id", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "name"], name="chair_name_is_unique_in_unit"),
            models.CheckConstraint(condition=Q(kind__in=ChairKind.values), name="chair_kind_is_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_bed(self) -> bool:
        """A private room has a bed in it."""
        return self.kind in (ChairKind.BED, ChairKind.ROOM)


class Closure(models.Model):
    """`[starts_at, ends_at)` in which a center, a unit or a chair takes nobody, or (extra opening) does."""

    class Kind(models.TextChoices):
        CLOSED = "closed", _("closed")
        OPEN = "open", _("extra opening")

    center = models.ForeignKey(Center, on_delete=models.CASCADE, related_name="closures")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="closures", null=True, blank=True)
    chair = models.ForeignKey(Chair, on_delete=models.CASCADE, related_name="closures", null=True, blank=True)
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.CLOSED)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=120)

    class Meta:
        ordering = ["starts_at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="closure_is_not_empty"),
            models.CheckConstraint(condition=Q(kind__in=["closed", "open"]), name="closure_kind_is_known"),
            models.CheckConstraint(
                condition=Q(chair__isnull=True) | Q(unit__isnull=False), name="closure_of_a_chair_names_its_unit"
            ),
            models.CheckConstraint(
                condition=Q(kind="closed") | Q(chair__isnull=True, unit__isnull=False),
                name="extra_opening_is_for_a_unit",
            ),
        ]
        indexes = [models.Index(fields=["center", "ends_at", "starts_at"], name="closure_by_center")]

    def __str__(self) -> str:
        return self.reason
