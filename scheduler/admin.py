"""The set-up in Django's admin: places, hours, nurses, protocols, memberships. Everything that services write is
read-only here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from scheduler import models
from scheduler.services import ledger

if TYPE_CHECKING:  # generic for the type checker only
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin, TabularInline = admin.ModelAdmin, admin.TabularInline


class ReadOnly(ModelAdmin):
    """To look at: only services write these."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OpeningHoursInline(TabularInline):
    model = models.OpeningHours
    extra = 0


class ChairInline(TabularInline):
    model = models.Chair
    extra = 0


class StaffingPatternInline(TabularInline):
    model = models.StaffingPattern
    extra = 0


class BreakInline(TabularInline):
    model = models.Break
    extra = 0


@admin.register(models.Center)
class CenterAdmin(ModelAdmin):
    list_display = ["name", "code", "time_zone", "phone"]
    search_fields = ["name", "code"]

    def save_model(self, request: HttpRequest, obj: models.Center, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and {"reminder_days", "reminder_minute", "time_zone"} & set(form.changed_data):
            ledger.replan(obj, now=timezone.now())

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(models.Unit)
class UnitAdmin(ModelAdmin):
    list_display = ["name", "center", "code", "position"]
    list_filter = ["center"]
    inlines = [OpeningHoursInline, ChairInline, StaffingPatternInline]


@admin.register(models.Chair)
class ChairAdmin(ModelAdmin):
    list_display = ["name", "unit", "kind", "is_active"]
    list_filter = ["unit__center", "unit", "kind", "is_active"]


@admin.register(models.Closure)
class ClosureAdmin(ModelAdmin):
    list_display = ["reason", "kind", "center", "unit", "chair", "starts_at", "ends_at"]
    list_filter = ["center", "unit", "kind"]
    date_hierarchy = "starts_at"


@admin.register(models.Nurse)
class NurseAdmin(ModelAdmin):
    list_display = ["name", "center", "is_active"]
    list_filter = ["center", "is_active"]
    search_fields = ["name"]


@admin.register(models.Shift)
class ShiftAdmin(ModelAdmin):
    list_display = ["nurse", "unit", "starts_at", "ends_at", "patients", "acuity"]
    list_filter = ["unit"]
    date_hierarchy = "starts_at"
    inlines = [BreakInline]


@admin.register(models.Protocol)
class ProtocolAdmin(ModelAdmin):
    """A published version never changes: the database refuses it, so the page does not offer it."""

    list_display = ["name", "code", "version", "center", "published_at"]
    list_filter = ["center", "code"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_published(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_published(obj)


def _is_published(protocol: models.Protocol | None) -> bool:
    return protocol is not None and protocol.published_at is not None


@admin.register(models.Membership)
class MembershipAdmin(ModelAdmin):
    list_display = ["center", "user", "api_key", "role"]
    list_filter = ["center", "role"]


@admin.register(models.ApiKey)
class ApiKeyAdmin(ReadOnly):
    list_display = ["name", "prefix", "created_at", "last_used_at", "revoked_at"]
    exclude = ["key_hash"]


@admin.register(models.Appointment)
class AppointmentAdmin(ReadOnly):
    list_display = ["id", "unit", "chair", "start", "end", "status", "phase"]
    list_filter = ["unit", "status"]
    date_hierarchy = "start"
    list_select_related = ["unit", "chair"]


@admin.register(models.Occupancy)
class OccupancyAdmin(ReadOnly):
    list_display = ["id", "chair", "chair_from", "chair_until", "appointment_id", "stay_id"]
    list_select_related = ["chair"]


@admin.register(models.Event)
class EventAdmin(ReadOnly):
    list_display = ["id", "at", "actor", "verb", "subject", "subject_id", "reason"]
    list_filter = ["verb", "subject"]


@admin.register(models.Access)
class AccessAdmin(ReadOnly):
    list_display = ["id", "at", "actor", "role", "what", "patient_id"]
    list_filter = ["what", "role"]


@admin.register(models.Dose)
class DoseAdmin(ReadOnly):
    list_display = ["id", "substance", "mg", "given_at", "place", "status"]
    list_filter = ["substance", "place", "status"]


@admin.register(models.LedgerEntry)
class LedgerEntryAdmin(ReadOnly):
    list_display = ["id", "kind", "channel", "state", "due", "done_at", "attempts"]
    list_filter = ["state", "kind", "channel"]


@admin.register(models.UnitDay)
class UnitDayAdmin(ModelAdmin):
    """Where a day's shifts are published, so that they count instead of the pattern."""

    list_display = ["unit", "date", "shifts_published", "version"]
    list_filter = ["unit", "shifts_published"]
    readonly_fields = ["version"]
    date_hierarchy = "date"
