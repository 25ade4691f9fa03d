"""How a patient is reached, as her page shows it: what holds now, and a form for each contact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from scheduler.models import Contact, Event, Patient
from scheduler.services import catalogues, text_provider
from scheduler.services.contacts import contact_fingerprint
from scheduler.services.recipients import recipient_of, written_by
from scheduler.web import words
from scheduler.web.door import Desk
from scheduler.web.glyphs import glyph

RELATIONS = ("self", "mother", "father", "daughter", "son", "partner", "friend", "other")
NEW = 0  # the form for one more contact
FIELDS = ("name", "relation", "email", "phone", "language", "channel", "may_book")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What was typed into the form of one contact (NEW: of a new one), and why it wasn't saved."""

    contact: int
    typed: Mapping[str, str]
    wrong: Mapping[str, str] = field(default_factory=dict)
    changed: tuple[str, ...] = ()  # what somebody else wrote there meanwhile


def view(desk: Desk, patient: Patient, trouble: Trouble | None = None) -> dict[str, Any]:
    contacts = list(patient.contacts.all())
    stopped = _who_stopped(patient, contacts)
    return {
        "reached": _reached(contacts),
        "contacts": [_card(desk, patient, contact, stopped, trouble) for contact in contacts],
        "new_contact": _form(desk, patient, None, trouble) | {"pk": NEW},
        "has_many": len(contacts) > 1,
    }


def relation(code: str) -> str:
    return {
        "self": _("Herself or himself"),
        "mother": _("Mother"),
        "father": _("Father"),
        "daughter": _("Daughter"),
        "son": _("Son"),
        "partner": _("Partner"),
        "friend": _("Friend"),
        "other": _("Somebody else"),
    }.get(code, code.capitalize())


def language(code: str) -> str:
    """In its own words."""
    return {"en": "English", "es": "Español"}[catalogues.spoken(code)]


def _reached(contacts: list[Contact]) -> str:
    """The answer first: where the next message goes."""
    recipient = recipient_of(contacts)
    if recipient.contact is None:
        return _("There is no way to reach her. Add one, so that she hears of her visits.")
    facts = {"email": recipient.contact.email, "phone": recipient.contact.phone}
    return {
        "email": _("Messages go to %(email)s."),
        "text": _("Texts go to %(phone)s."),
        "call": _("She is called on %(phone)s: each message is on the call list."),
    }[str(recipient.channel)] % facts


def _card(
    desk: Desk, patient: Patient, contact: Contact, stopped: Mapping[int, str], trouble: Trouble | None
) -> dict[str, Any]:
    who = _("Self") if contact.relation == "self" else relation(contact.relation)
    return _form(desk, patient, contact, trouble) | {
        "pk": contact.pk,
        "who": who,
        "known_as": contact.name,
        "address": contact.email,
        "number": contact.phone,
        "is_primary": contact.is_primary,
        "books": contact.may_book and contact.relation != "self",
        "how": contact.get_channel_display().capitalize(),
        "how_glyph": glyph({"email": "mail", "text": "talk"}.get(contact.channel, "phone")),
        "speaks": language(contact.language or patient.language),
        "notes": _notes(desk, contact, stopped),
        "start_says": _start_says(contact),
        "can_stop": written_by(contact) is not None,
    }


def _form(desk: Desk, patient: Patient, contact: Contact | None, trouble: Trouble | None) -> dict[str, Any]:
    mine = trouble if trouble is not None and trouble.contact == (contact.pk if contact else NEW) else None
    values: Mapping[str, Any] = (
        mine.typed if mine else {name: getattr(contact, name) for name in FIELDS} if contact else {"channel": "email"}
    )
    chosen = values.get("channel")
    texts = text_provider.is_on() or chosen == Contact.Channel.TEXT
    return {
        "value": values,
        "wrong": mine.wrong if mine else {},
        "changed": mine.changed if mine else (),
        "is_open": mine is not None,
        "as_read": contact_fingerprint(contact) if contact else "",
        "relations": _relations(values.get("relation")),
        "languages": [("", _("As hers: %(language)s") % {"language": language(patient.language)}), *_languages()],
        "channels": [
            (code, str(label).capitalize()) for code, label in Contact.Channel.choices if code != "text" or texts
        ],
    }


def _relations(chosen: str | None) -> list[tuple[str, str]]:
    """With the one that an integrator wrote, if it is another."""
    codes = RELATIONS if not chosen or chosen in RELATIONS else (*RELATIONS, chosen)
    return [(code, relation(code)) for code in codes]


def _languages() -> Iterable[tuple[str, str]]:
    return [(code, language(code)) for code in catalogues.SPOKEN]


def _came_back(contact: Contact) -> bool:
    return bool(
        (contact.channel == Contact.Channel.EMAIL and contact.bounced_at)
        or (contact.channel == Contact.Channel.TEXT and contact.number_failed_at)
    )


def _notes(desk: Desk, contact: Contact, stopped: Mapping[int, str]) -> list[tuple[str, str]]:
    """(css, sentence) of what keeps messages from her, and what to do."""
    found = []
    if contact.stopped_at is not None:
        facts = {"day": _day(desk, contact.stopped_at), "who": stopped.get(contact.pk, "")}
        say = _("Stopped on %(day)s, %(who)s. Somebody calls instead.") if facts["who"] else ""
        found.append(("is-ask", (say or _("Stopped on %(day)s. Somebody calls instead.")) % facts))
    elif not contact.may_be_mailed and (contact.email or contact.channel == Contact.Channel.TEXT):
        found.append(("is-ask", _("Did not agree to be written to.")))
    if contact.bounced_at is not None:
        day = {"day": _day(desk, contact.bounced_at)}
        found.append(("is-late", _("The address came back on %(day)s: correct it, or call.") % day))
    if contact.number_failed_at is not None:
        day = {"day": _day(desk, contact.number_failed_at)}
        found.append(("is-late", _("A text to this number came back on %(day)s: correct it, or call.") % day))
    if contact.channel == Contact.Channel.TEXT and not text_provider.is_on():
        found.append(("is-ask", _("No texts are sent here: she is called.")))
    return found


def _start_says(contact: Contact) -> str:
    """On the button that has her written to again; none where she is."""
    if not contact.may_be_mailed:
        return _("Write again") if contact.stopped_at is not None else _("She agrees now")
    return _("Try it again") if _came_back(contact) else ""


def _day(desk: Desk, moment: Any) -> str:
    return words.date_only(moment.astimezone(desk.center.zone).date(), desk.today)


def _who_stopped(patient: Patient, contacts: list[Contact]) -> dict[int, str]:
    """By contact, who said stop last."""
    if all(contact.stopped_at is None for contact in contacts):
        return {}
    said: dict[int, str] = {}
    for event in Event.objects.filter(patient_id=patient.pk, verb="stop-messages").order_by("pk"):
        said[event.after.get("contact", 0)] = event.actor
    people = _people(said.values())
    return {contact: _actor(actor, people) for contact, actor in said.items()}


def _people(actors: Iterable[str]) -> dict[str, str]:
    ids = [int(actor.partition(":")[2]) for actor in actors if actor.startswith("user:")]
    users = get_user_model().objects.filter(pk__in=ids) if ids else []
    return {f"user:{user.pk}": words.person(user) for user in users}


def _actor(actor: str, people: Mapping[str, str]) -> str:
    if actor.startswith("user:"):
        return _("by %(name)s") % {"name": people.get(actor) or actor}
    return {
        "link": _("by the link in a message"),
        "job": _("by her answer STOP"),
        "key": _("by another system"),
    }.get(actor.partition(":")[0], "")
