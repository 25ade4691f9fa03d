"""The set-up as lists: center, units, chairs, protocols, nurses, shifts, closures. Changed in
place_changes.py and setup_changes.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from scheduler.api import finding, shapes
from scheduler.api.bodies import Query
from scheduler.api.fields import CalendarDay, Clock, Id, IdOrCode, Moment, Text
from scheduler.api.resource import Resource, tagged
from scheduler.domain import localtime
from scheduler.domain.errors import NotFound
from scheduler.models import (
    Break,
    Center,
    Chair,
    Closure,
    Nurse,
    OpeningHours,
    Protocol,
    Shift,
    StaffingPattern,
    Unit,
)
from scheduler.services import places
from scheduler.services.fingerprints import fingerprint


class CenterOut(serializers.ModelSerializer):
    """`reminder_days` before a visit, at `reminder_at` of the local day, reminders leave; nothing leaves from
    `quiet_from` to `quiet_until` (the same: at any time). `country` tells how phone numbers without + are read."""

    reminder_days = serializers.ListField(child=serializers.IntegerField())
    reminder_at = Clock(source="reminder_minute")
    quiet_from = Clock()
    quiet_until = Clock()

    class Meta:
        model = Center
        fields = [
            "id",
            "code",
            "name",
            "mail_name",
            "time_zone",
            "phone",
            "address",
            "reminder_days",
            "reminder_at",
            "quiet_from",
            "quiet_until",
            "country",
            "no_show_after_minutes",
        ]


class HoursOut(serializers.ModelSerializer):
    """Wall-clock `[opens, closes)` of a weekday, 0 is Monday; a day that is open all night closes at 24:00."""

    opens = Clock()
    closes = Clock()

    class Meta:
        model = OpeningHours
        fields = ["weekday", "opens", "closes"]


class PatternOut(HoursOut):
    """What stands in for a day's shifts until they are published: so many nurses, and what they watch together."""

    class Meta:
        model = StaffingPattern
        fields = [*HoursOut.Meta.fields, "nurses", "patients", "acuity"]


class UnitOut(serializers.ModelSerializer):
    center = Id(source="center_id")
    opening_hours = HoursOut(many=True)
    staffing = PatternOut(many=True, source="staffing_patterns")

    class Meta:
        model = Unit
        fields = ["id", "code", "name", "position", "center", "opening_hours", "staffing"]


class ChairOut(serializers.ModelSerializer):
    unit = Id(source="unit_id")

    class Meta:
        model = Chair
        fields = ["id", "name", "kind", "position", "unit", "is_active"]


class ProtocolOut(serializers.ModelSerializer):
    """A published version, which never changes. Lengths are minutes; window, tolerance and minimum interval are in
    `counts_in`. `sources` says where each figure is from. Components and checklist are there for those who may see
    clinical detail, and for managers, who write protocols."""

    center = Id(source="center_id", allow_null=True)
    published_at = Moment()
    cadence_within_day = serializers.ListField(child=serializers.IntegerField())
    doses = serializers.ListField(child=serializers.IntegerField())
    days = serializers.DictField(child=serializers.IntegerField())
    caps = serializers.ListField(child=serializers.DictField())
    components = serializers.ListField(child=serializers.DictField(), required=False)
    checklist = serializers.ListField(required=False)
    sources = serializers.DictField()
    dose_mg = serializers.FloatField(allow_null=True)

    class Meta:
        model = Protocol
        fields = [
            "id",
            "code",
            "version",
            "center",
            "name",
            "short_name",
            "published_at",
            "cadence_kind",
            "cadence_every",
            "cadence_unit",
            "cadence_within_day",
            "doses",
            "default_doses",
            "days",
            "may_be_open_ended",
            "prep_minutes",
            "visit_minutes",
            "observation_minutes",
            "turnover_minutes",
            "first_visits",
            "first_prep_minutes",
            "first_visit_minutes",
            "first_observation_minutes",
            "counts_in",
            "window_before",
            "window_after",
            "tolerance_before",
            "tolerance_after",
            "min_interval",
            "caps",
            "substance",
            "dose_mg",
            "components",
            "checklist",
            "acuity",
            "first_acuity",
            "needs_driver",
            "needs_bed",
            "keeps_chair",
            "sources",
        ]

    def to_representation(self, instance: Protocol) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)
        if not self.context["sees_components"]:
            del shown["components"], shown["checklist"]
        return shown


class NurseOut(serializers.ModelSerializer):
    class Meta:
        model = Nurse
        fields = ["id", "name", "is_active"]


class BreakOut(serializers.ModelSerializer):
    start = Moment(source="starts_at")
    end = Moment(source="ends_at")
    covered_by = Id(source="covered_by_id", allow_null=True)

    class Meta:
        model = Break
        fields = ["start", "end", "covered_by"]


class ShiftOut(serializers.ModelSerializer):
    """One nurse in `[start, end)`, and how many patients and how much acuity she can watch at once."""

    nurse = Id(source="nurse_id")
    unit = Id(source="unit_id")
    start = Moment(source="starts_at")
    end = Moment(source="ends_at")
    breaks = BreakOut(many=True)

    class Meta:
        model = Shift
        fields = ["id", "nurse", "unit", "start", "end", "patients", "acuity", "breaks"]


class ClosureOut(serializers.ModelSerializer):
    """`[start, end)` in which the center, a unit or a chair takes nobody; kind "open" is its opposite."""

    unit = Id(source="unit_id", allow_null=True)
    chair = Id(source="chair_id", allow_null=True)
    start = Moment(source="starts_at")
    end = Moment(source="ends_at")

    class Meta:
        model = Closure
        fields = ["id", "kind", "unit", "chair", "start", "end", "reason"]


class OfUnit(Query):
    unit = IdOrCode(required=False)


class OfCode(Query):
    code = Text(required=False, max_length=60)


class OnDay(OfUnit):
    """Those that touch the local day."""

    date = CalendarDay(required=False)


class Listed(Resource):
    """A list (without pk) or one thing of it. `rows` are those of the caller's center, in a lasting order."""

    needs = {"GET": "view-schedule"}
    shape: type[serializers.BaseSerializer]
    asks: type[Query] = Query

    def rows(self) -> QuerySet[Any]:
        raise NotImplementedError

    def narrowed(self, rows: QuerySet[Any], asked: Mapping[str, Any]) -> QuerySet[Any]:
        """With what the query asks for. The default takes no parameters at all."""
        return rows

    def get(self, request: Request, pk: int | None = None) -> Response:
        if pk is None:
            return self.page(self.narrowed(self.rows(), self.query(self.asks)), self.shape)
        self.query(Query)
        row = self.found(pk)
        return tagged(self.answer(row, self.shape), self.tag(row))

    def tag(self, row: Any) -> str:
        """What `If-Match` is held against."""
        return fingerprint(row)

    def found(self, pk: int) -> Any:
        row: Model | None = self.rows().filter(pk=pk).first()
        if row is None:
            raise NotFound
        return row

    def of_unit(self, rows: QuerySet[Any], asked: Mapping[str, Any]) -> QuerySet[Any]:
        return rows.filter(unit=finding.unit(self.center, asked["unit"])) if "unit" in asked else rows

    def on_day(self, rows: QuerySet[Any], asked: Mapping[str, Any]) -> QuerySet[Any]:
        if "date" not in asked:
            return rows
        day = localtime.day(asked["date"], self.center.zone)
        return rows.filter(starts_at__lt=day.end, ends_at__gt=day.start)


class Centers(Listed):
    shape = CenterOut

    def rows(self) -> QuerySet[Center]:
        return Center.objects.filter(pk=self.center.pk).order_by("pk")


class Units(Listed):
    shape = UnitOut

    def rows(self) -> QuerySet[Unit]:
        rows = finding.units(self.center).prefetch_related("opening_hours", "staffing_patterns")
        return rows.order_by("position", "pk")

    def tag(self, row: Unit) -> str:
        return places.unit_fingerprint(row)


class Chairs(Listed):
    shape, asks = ChairOut, OfUnit

    def rows(self) -> QuerySet[Chair]:
        return finding.chairs(self.center).order_by("unit__position", "unit", "position", "pk")

    narrowed = Listed.of_unit


class Protocols(Listed):
    shape, asks = ProtocolOut, OfCode

    @property
    def zoned(self) -> dict[str, Any]:
        sees = self.actor.may("view-clinical") or self.actor.may("edit-setup")
        return super().zoned | {"sees_components": sees}

    def rows(self) -> QuerySet[Protocol]:
        return finding.protocols(self.center).order_by("code", "-version", "pk")

    def narrowed(self, rows: QuerySet[Protocol], asked: Mapping[str, Any]) -> QuerySet[Protocol]:
        return rows.filter(code=asked["code"]) if "code" in asked else rows


class Nurses(Listed):
    shape = NurseOut

    def rows(self) -> QuerySet[Nurse]:
        return Nurse.objects.filter(center=self.center).order_by("name", "pk")


class Shifts(Listed):
    shape, asks = ShiftOut, OnDay

    def rows(self) -> QuerySet[Shift]:
        return (
            Shift.objects.filter(unit__center=self.center)
            .select_related("nurse", "unit__center")
            .prefetch_related("breaks")
            .order_by("starts_at", "pk")
        )

    def tag(self, row: Shift) -> str:
        return fingerprint(row, row.breaks.all())

    def narrowed(self, rows: QuerySet[Shift], asked: Mapping[str, Any]) -> QuerySet[Shift]:
        return self.on_day(self.of_unit(rows, asked), asked)


class Closures(Listed):
    shape, asks = ClosureOut, OnDay

    def rows(self) -> QuerySet[Closure]:
        return (
            Closure.objects.filter(center=self.center)
            .select_related("unit__center", "chair__unit__center")
            .order_by("starts_at", "pk")
        )

    def narrowed(self, rows: QuerySet[Closure], asked: Mapping[str, Any]) -> QuerySet[Closure]:
        return self.on_day(self.of_unit(rows, asked), asked)


def list_of(view: type[Listed], name: str) -> Any:
    """The view of the list, with its own words in the schema."""
    shape, asks = view.shape, view.asks

    @extend_schema(
        operation_id=f"{name}_list",
        parameters=[asks, *shapes.PAGING] if asks is not Query else shapes.PAGING,
        responses={200: shapes.page_of(shape, shape.__name__.removesuffix("Out"))} | shapes.problems(400, 404),
    )
    def several(self: Listed, request: Request) -> Response:
        return Listed.get(self, request)

    several.__doc__ = f"List {name}."
    return type(f"{view.__name__}List", (view,), {"get": several})


def one_of(view: type[Listed], name: str) -> Any:
    """The view of one thing of the list."""

    @extend_schema(operation_id=f"{name}_read", responses={200: view.shape} | shapes.problems(400, 404))
    def one(self: Listed, request: Request, pk: int) -> Response:
        return Listed.get(self, request, pk)

    one.__doc__ = f"One of the {name}."
    return type(f"{view.__name__}One", (view,), {"get": one})
