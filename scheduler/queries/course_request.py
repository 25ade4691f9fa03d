"""What a clerk or an integrator asks for when a course is started, checked for sense before anything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from scheduler.domain.errors import Malformed, gettext_noop
from scheduler.models import Center, Chair, Course, Patient, Protocol, Unit

MOST_DOSES = 60
FARTHEST_START = timedelta(days=3 * 366)
LONGEST_REASON = 200
MOST_MG = 99_999
MOST_AUTHORIZED = 999
TEXTS = (
    "indication",
    "prescriber",
    "order_reference",
    "authorization_reference",
    "attested_by",
    "attestation_reference",
)
PARTS = ("", "morning", "afternoon", "evening")


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseRequest:
    """`start` is when the first treatment shall start (aware). `doses` or `days` say how many; neither means the
    protocol's default, or open-ended where the protocol allows it. Order and authorisation dates are local and
    inclusive; `preferred_minute` is a minute of the local day."""

    patient: Patient
    protocol: Protocol
    unit: Unit
    start: datetime
    doses: int | None = None
    days: int | None = None
    is_open_ended: bool = False
    preferred_minute: int | None = None
    preferred_part: str = ""
    preferred_weekdays: Sequence[int] = ()
    preferred_chair: Chair | None = None
    indication: str = ""
    dose_mg: Decimal | None = None
    prescriber: str = ""
    order_reference: str = ""
    order_from: date | None = None
    order_until: date | None = None
    authorization_reference: str = ""
    authorization_from: date | None = None
    authorization_until: date | None = None
    authorization_visits: int | None = None
    attested_by: str = ""
    attested_at: datetime | None = None
    attestation_reference: str = ""

    def course(self, *, center: Center, now: datetime) -> Course:
        """The course asked for, not saved. Raises Malformed where the request makes no sense by itself."""
        self._check_start(now)
        self.check_details(center=center)
        return Course(
            center=center,
            unit=self.unit,
            patient=self.patient,
            protocol=self.protocol,
            start=self.start,
            doses=self.number_of_doses(),
            dose_mg=self.dose_mg,
            indication=self.indication,
            preferred_minute=self.preferred_minute,
            preferred_part=self.preferred_part,
            preferred_weekdays=sorted(set(self.preferred_weekdays)),
            preferred_chair=self.preferred_chair,
            prescriber=self.prescriber,
            order_reference=self.order_reference,
            order_from=self.order_from,
            order_until=self.order_until,
            authorization_reference=self.authorization_reference,
            authorization_from=self.authorization_from,
            authorization_until=self.authorization_until,
            authorization_visits=self.authorization_visits,
            attested_by=self.attested_by,
            attested_at=self.attested_at,
            attestation_reference=self.attestation_reference,
            created_at=now,
        )

    def check_details(self, *, center: Center) -> None:
        """Everything but the start, so that a running course can be checked too. Raises Malformed."""
        self._check_belonging(center)
        self._check_wishes()
        self._check_order()

    def number_of_doses(self) -> int | None:
        """None for an open-ended course."""
        protocol = self.protocol
        if self.doses is not None and self.days is not None:
            raise Malformed("days", gettext_noop("Give the number of doses or of days, not both."))
        if self.days is not None:
            doses = (protocol.days or {}).get(str(self.days))
            if doses is None:
                offered = ", ".join(sorted(protocol.days or {})) or "no days"
                raise Malformed(
                    "days", gettext_noop("{protocol} is offered for {days}."), protocol=protocol.name, days=offered
                )
            return int(doses)
        doses = self.doses
        if doses is None and not self.is_open_ended:
            doses = protocol.default_doses or (1 if protocol.cadence_kind == "once" else None)
        if doses is None:
            if protocol.may_be_open_ended:
                return None
            raise Malformed("doses", gettext_noop("Say how many doses this course has."))
        allowed = [1] if protocol.cadence_kind == "once" else list(protocol.doses)
        if allowed and doses not in allowed:
            raise Malformed(
                "doses",
                gettext_noop("{protocol} is given with {allowed} doses, not {doses}."),
                protocol=protocol.name,
                allowed=" or ".join(str(number) for number in allowed),
                doses=doses,
            )
        if not 1 <= doses <= MOST_DOSES:
            raise Malformed(
                "doses", gettext_noop("A course has from 1 to {most} doses, not {doses}."), most=MOST_DOSES, doses=doses
            )
        return doses

    def _check_belonging(self, center: Center) -> None:
        """Another center's unit, chair, protocol or patient is no part of this one."""
        if self.unit.center_id != center.pk:
            raise Malformed("unit", gettext_noop("This unit is not in {center}."), center=center.name)
        if self.protocol.center_id not in (None, center.pk) or self.protocol.published_at is None:
            raise Malformed("protocol", gettext_noop("This protocol is not offered in {center}."), center=center.name)
        if not self.patient.registrations.filter(center=center).exists():
            raise Malformed("patient", gettext_noop("This patient is not registered in {center}."), center=center.name)
        if self.preferred_chair is not None and self.preferred_chair.unit.center_id != center.pk:
            raise Malformed("preferred_chair", gettext_noop("This chair is not in {center}."), center=center.name)

    def _check_start(self, now: datetime) -> None:
        check_moment("start", self.start)
        zone = self.unit.center.zone
        if self.start.astimezone(zone).date() < now.astimezone(zone).date():
            raise Malformed("start", gettext_noop("A course starts today or later."))
        if self.start > now + FARTHEST_START:
            raise Malformed("start", gettext_noop("The start is more than three years ahead."))

    def _check_wishes(self) -> None:
        if self.preferred_minute is not None and not 0 <= self.preferred_minute < 24 * 60:
            raise Malformed("preferred_time", gettext_noop("The preferred time is a time of the day."))
        if self.preferred_part not in PARTS:
            raise Malformed("preferred_part", gettext_noop("The part of the day is morning, afternoon or evening."))
        if any(not 0 <= weekday <= 6 for weekday in self.preferred_weekdays):
            raise Malformed("preferred_weekdays", gettext_noop("Weekdays count from 0, Monday, to 6, Sunday."))
        if self.dose_mg is not None and not (self.dose_mg.is_finite() and 0 < self.dose_mg <= MOST_MG):
            raise Malformed("dose_mg", gettext_noop("A dose is more than 0 and at most {most} mg."), most=MOST_MG)
        for name in TEXTS:
            most = getattr(Course._meta.get_field(name), "max_length", None)
            if most is not None and len(getattr(self, name)) > most:
                raise Malformed(name, gettext_noop("This has at most {most} characters."), most=most)

    def _check_order(self) -> None:
        if self.order_from and self.order_until and self.order_until < self.order_from:
            raise Malformed("order", gettext_noop("The order ends before it begins."))
        if self.authorization_from and self.authorization_until and self.authorization_until < self.authorization_from:
            raise Malformed("authorization", gettext_noop("The authorisation ends before it begins."))
        visits = self.authorization_visits
        if visits is not None and not 0 <= visits <= MOST_AUTHORIZED:
            raise Malformed(
                "authorization_visits",
                gettext_noop("From 0 to {most} visits can be authorised."),
                most=MOST_AUTHORIZED,
            )
        if self.attested_at is not None and not (self.attested_by and self.attestation_reference):
            raise Malformed(
                "attestation", gettext_noop("An attestation has the prescriber's name and the order's reference.")
            )


def check_moment(field: str, moment: datetime) -> None:
    """Times that come in are aware, on a whole minute, and in years that clocks and calendars can count with."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise Malformed(field, gettext_noop("A time needs its offset, such as 2027-03-13T09:00-05:00."))
    if not 1970 <= moment.year <= 2199:
        raise Malformed(field, gettext_noop("The year lies between 1970 and 2199."))
    if moment.second or moment.microsecond:
        raise Malformed(field, gettext_noop("Times are on whole minutes."))


def check_reason(reason: str, sentence: str = "", *, is_needed: bool = True) -> None:
    """A reason is said where one is needed (else `sentence`), and fits where it is kept."""
    if is_needed and not reason.strip():
        raise Malformed("reason", sentence or gettext_noop("Say why."))
    if len(reason) > LONGEST_REASON:
        raise Malformed("reason", gettext_noop("A reason has at most {most} characters."), most=LONGEST_REASON)
