"""All keys of the staff's pages, in one table: the overlay on "?" shows it, and the scripts read their keys from it.

A control of a page names its key itself (`data-key`, `data-go`); a test holds those against this table.
"""

from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Key(NamedTuple):
    """`does` names what a script does with it; empty where a control on the page is pressed."""

    key: str
    says: str | Promise
    does: str = ""


class Group(NamedTuple):
    title: str | Promise
    keys: tuple[Key, ...]


GROUPS = (
    Group(
        _("Anywhere"),
        (
            Key("?", _("All keys"), "help"),
            Key("/", _("Find a patient")),
            Key("N", _("Book, or a new one of what the page lists"), "book"),
            Key("Z", _("Undo the last action")),
            Key("Esc", _("Leave it as it was")),
            Key("1 … 9", _("Take that suggestion")),
            Key("X", _("Close a chair or day; save figures as a file")),
            Key("E", _("Correct the patient’s entry")),
        ),
    ),
    Group(
        _("Go to: G, then"),
        (
            Key("B", _("Board")),
            Key("F", _("Floor")),
            Key("W", _("Worklist")),
            Key("P", _("Patients")),
            Key("E", _("Waiting list")),
            Key("C", _("Capacity")),
            Key("M", _("Messages")),
            Key("O", _("Outbox")),
        ),
    ),
    Group(
        _("Day and unit"),
        (
            Key("[", _("Day before")),
            Key("]", _("Day after")),
            Key("T", _("Today")),
            Key("U", _("Next unit")),
        ),
    ),
    Group(
        _("On the board"),
        (
            Key("F", _("Find on this board; Enter goes on")),
            Key("← → ↑ ↓", _("From visit to visit")),
            Key("Enter", _("Open the visit; drop what is carried")),
            Key("M", _("Pick up and move: arrows 15 min or a chair, Shift 5 min"), "move"),
            Key("S", _("Swap with another visit"), "swap"),
            Key("W", _("Why not here? Arrows point, Enter asks, N books"), "why"),
            Key("B", _("Book the place that was clicked, or a course’s visits")),
        ),
    ),
    Group(
        _("On the worklist"),
        (
            Key("↑ ↓", _("From one thing to the next; Enter opens it")),
            Key("C", _("Claim the most urgent one that nobody has")),
        ),
    ),
    Group(
        _("On an open visit"),
        (
            Key("A", _("Arrived")),
            Key("I", _("Check in")),
            Key("S", _("Start treatment")),
            Key("O", _("Infusion over, observe")),
            Key("C", _("Complete")),
        ),
    ),
)
