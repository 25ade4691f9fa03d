"""The set-up in Django's admin: places, hours, nurses, protocols, memberships. Everything that services write is
read-only here.

Operators (superusers: who run the service, set on the command line) write. A manager who is let in (is_staff) looks at
the set-up of her centers; she changes it where services check it. Nobody else sees anything: the same table decides as
for web and API. Another center's things are 404. Every change is an event, every look at what services wrote an access.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from scheduler import models
from scheduler.domain import permissions
from scheduler.domain.permissions import Actor
from scheduler.services import ledger, record

if TYPE_CHECKING:  # generic for the type checker only
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin, TabularInline = admin.ModelAdmin, admin.TabularInline

OPERATOR = "operator"


def is_operator(request: HttpRequest) -> bool:
    user = request.user
    return bool(user.is_active and user.is_superuser)


def centers_of(request: HttpRequest) -> list[int]:
    """Those whose set-up this person may write by the table; read at every request, so that a changed role counts
    with the next one."""
    user = request.user
    if not (user.is_active and user.is_staff):
        return []
    found = models.Membership.objects.filter(user_id=user.pk).values_list("center_id", "role")
    return [center for center, role in found if permissions.may(role, "edit-setup")]


def actor_of(request: HttpRequest) -> Actor:
    return Actor(who=f"user:{request.user.pk}", role=OPERATOR, center_id=None)


class OperatorsWrite:
    """For pages and for the tables in them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_operator(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_operator(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_operator(request)


class Recorded(OperatorsWrite, ModelAdmin):
    """Each change is an event, in the change's own transaction: the names of the fields, never their values."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record(request, "admin-add", obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record(request, "admin-change", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            self._record(request, "admin-delete", obj, [])
        return super().log_deletions(request, queryset)

    def _record(self, request: HttpRequest, verb: str, obj: Model, message: Any) -> None:
        parts = message if isinstance(message, list) else []
        fields = sorted({name for part in parts for said in part.values() for name in said.get("fields", ())})
        record.event(actor=actor_of(request), verb=verb, subject=obj, now=timezone.now(), after={"fields": fields})

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """Django would go to the first page and say which number is missing."""
        raise Http404


class SetUp(Recorded):
    """Operators write, managers look at their own centers'. `center` leads from a row to its center."""

    center = "center"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if is_operator(request) else rows.filter(self.visible(centers_of(request)))

    def visible(self, centers: list[int]) -> Q:
        return Q(**{f"{self.center}__in": centers})

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if is_operator(request):
            return True
        if obj is None:
            return bool(centers_of(request))
        return self.get_queryset(request).filter(pk=obj.pk).exists()

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """All of them; the page asks each for its own permissions, and those follow the row they belong to."""
        return [inline(self.model, self.admin_site) for inline in self.inlines]


class Part(OperatorsWrite, TabularInline):
    """A table within the page of what it is a part of: who sees that sees it, operators write."""

    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # the page around it was allowed


class People(Recorded):
    """Users, memberships, keys: the operator's; managers have their own page, where nobody changes her own role."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Nothing for others: Django looks for the row before it asks who may, and would tell whether there is one."""
        rows = super().get_queryset(request)
        return rows if is_operator(request) else rows.none()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_operator(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_operator(request)


class ReadOnly(People):
    """To look at, for operators: only services write these. Each look is on record."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        self._note(request, None)
        return super().get_changelist_instance(request)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            self._note(request, getattr(found, "patient_id", None))
        return found

    def _note(self, request: HttpRequest, patient: int | None) -> None:
        what = f"admin-{self.model._meta.model_name}"
        record.access(actor=actor_of(request), patient=patient, what=what, now=timezone.now())


def only_shown(*paths: str) -> list[Any]:
    """Filters that name what is in the list, and nothing of other centers."""
    return [(path, admin.RelatedOnlyFieldListFilter) for path in paths]


class OpeningHoursInline(Part):
    model = models.OpeningHours


class ChairInline(Part):
    model = models.Chair


class StaffingPatternInline(Part):
    model = models.StaffingPattern


class BreakInline(Part):
    model = models.Break


@admin.register(models.Center)
class CenterAdmin(SetUp):
    center = "pk"
    list_display = ["name", "code", "time_zone", "phone"]
    search_fields = ["name", "code"]

    def save_model(self, request: HttpRequest, obj: models.Center, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and {"reminder_days", "reminder_minute", "time_zone", "quiet_from", "quiet_until"} & set(
            form.changed_data
        ):
            ledger.replan(obj, now=timezone.now())

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(models.Unit)
class UnitAdmin(SetUp):
    list_display = ["name", "center", "code", "position"]
    list_filter = only_shown("center")
    inlines = [OpeningHoursInline, ChairInline, StaffingPatternInline]


@admin.register(models.Chair)
class ChairAdmin(SetUp):
    center = "unit__center"
    list_display = ["name", "unit", "kind", "is_active"]
    list_filter = [*only_shown("unit__center", "unit"), "kind", "is_active"]


@admin.register(models.Closure)
class ClosureAdmin(SetUp):
    list_display = ["reason", "kind", "center", "unit", "chair", "starts_at", "ends_at"]
    list_filter = [*only_shown("center", "unit"), "kind"]
    date_hierarchy = "starts_at"


@admin.register(models.Nurse)
class NurseAdmin(SetUp):
    list_display = ["name", "center", "is_active"]
    list_filter = [*only_shown("center"), "is_active"]
    search_fields = ["name"]


@admin.register(models.Shift)
class ShiftAdmin(SetUp):
    center = "unit__center"
    list_display = ["nurse", "unit", "starts_at", "ends_at", "patients", "acuity"]
    list_filter = only_shown("unit")
    date_hierarchy = "starts_at"
    inlines = [BreakInline]


@admin.register(models.Protocol)
class ProtocolAdmin(SetUp):
    """A published version never changes: the database refuses it, so the page does not offer it."""

    list_display = ["name", "code", "version", "center", "published_at"]
    list_filter = only_shown("center")

    def visible(self, centers: list[int]) -> Q:
        return super().visible(centers) | Q(center__isnull=True)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_published(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_published(obj)


def _is_published(protocol: models.Protocol | None) -> bool:
    return protocol is not None and protocol.published_at is not None


@admin.register(models.Membership)
class MembershipAdmin(People):
    list_display = ["center", "user", "api_key", "role"]
    list_filter = ["center", "role"]


admin.site.unregister(Group)  # roles are memberships
admin.site.unregister(get_user_model())


@admin.register(get_user_model())
class RecordedUserAdmin(People, UserAdmin):
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (None, {"fields": ("first_name", "last_name", "email")}),
        (None, {"fields": ("is_active", "is_staff", "is_superuser", "last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")


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
class UnitDayAdmin(SetUp):
    """Where a day's shifts are published, so that they count instead of the pattern."""

    center = "unit__center"
    list_display = ["unit", "date", "shifts_published", "version"]
    list_filter = [*only_shown("unit"), "shifts_published"]
    readonly_fields = ["version"]
    date_hierarchy = "date"
