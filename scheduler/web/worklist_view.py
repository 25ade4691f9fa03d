"""How the worklist is said and ordered: its heading, its groups, its kinds, and what it is urgent by."""

from __future__ import annotations

from collections import Counter

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduler.queries import worklist as query
from scheduler.queries.worklist import WorklistItem
from scheduler.web import words
from scheduler.web.door import Desk
from scheduler.web.sorting import Column, in_order

ALERTING = ("unplaced", "late", "clash")
LOOKS = {
    "unplaced": ("is-late", "open"),
    "late": ("is-late", "late"),
    "clash": ("is-late", "clash"),
    "order": ("is-plan", "doc"),
    "unconfirmed": ("is-plan", "open"),
    "call": ("is-ask", "phone"),
    "overload": ("is-late", "late"),
}


def sentence(items: list[WorklistItem]) -> str:
    if not items:
        return _("Nothing needs a person now.")
    by = Counter(item.urgency for item in items)
    count = len(items)
    head = ngettext("%(count)s thing needs a person", "%(count)s things need a person", count) % {"count": count}
    return _("%(head)s: %(now)s now, %(today)s today, %(later)s later.") % {
        "head": head,
        "now": by["now"],
        "today": by["today"],
        "later": by["later"],
    }


def orders() -> list[Column[WorklistItem]]:
    """Besides by urgency; what is about no single patient stands last by patient."""
    return [
        Column("due", _("By when it is due"), lambda item: item.when),
        Column("patient", _("By patient"), lambda item: item.listed_name or None),
    ]


def order_names() -> list[tuple[str, str]]:
    return [("", _("Most urgent first")), *((each.key, each.label) for each in orders())]


def ordered_url(desk: Desk, order: str) -> str:
    query_ = desk.request.GET.copy()
    query_.pop("sort", None)
    if order:
        query_["sort"] = order
    return f"{reverse('worklist')}?{query_.urlencode()}" if query_ else reverse("worklist")


def groups(items: list[WorklistItem], order: Column[WorklistItem] | None) -> list[tuple[str, str, list[WorklistItem]]]:
    if order is not None:
        return [(order.label, order.key, in_order(items, order, falls=False))]
    names = {"now": _("Now"), "today": _("Today"), "later": _("This week and later")}
    return [(names[each], each, [item for item in items if item.urgency == each]) for each in query.URGENCIES]


def kinds(items: list[WorklistItem]) -> list[tuple[str, str, int, bool]]:
    names = {
        "unplaced": _("No place yet"),
        "late": _("Have not come"),
        "clash": _("Clashes"),
        "order": _("Order or authorisation"),
        "unconfirmed": _("Unconfirmed tomorrow"),
        "call": _("People to call"),
        "overload": _("Too much for the nurses"),
    }
    by = Counter(item.kind for item in items)
    return [
        (kind, names.get(kind, kind.capitalize()), by[kind], kind in ALERTING and by[kind] > 0) for kind in query.KINDS
    ]


def when(desk: Desk, item: WorklistItem) -> str:
    zone = desk.center.zone
    local = item.when.astimezone(zone)
    if item.snoozed_until is not None and item.snoozed_until > desk.now:
        return _("until %(day)s") % {"day": words.near_day(item.snoozed_until.astimezone(zone).date(), desk.today)}
    if item.kind == "late":
        return _("%(time)s late") % {"time": words.length(desk.now - item.when)}
    if local.date() == desk.today:
        return _("today %(time)s") % {"time": words.clock(local)} if item.urgency == "now" else _("today")
    if local.date() < desk.today:
        return _("now")
    return _("by %(day)s") % {"day": words.near_day(local.date(), desk.today)}
