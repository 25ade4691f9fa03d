"""How to reach a patient: her contacts, added, corrected, removed, and which of them comes first.

Each change is on record by the contact's id and the names of its fields (what stood in them must stay erasable), and
what is still due to her goes the way that she is reached from then on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from scheduler.domain.errors import Malformed, NotFound, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Center, Contact, Patient
from scheduler.services import findable, numbers, record, text_provider, ways
from scheduler.services.fingerprints import check_unchanged, fingerprint

_MOST_SIGNS = {"name": 200, "relation": 40, "email": 254, "phone": 40, "language": 10}
_FIELDS = ("name", "relation", "email", "phone", "language", "channel", "may_book")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFacts:
    """How to reach the patient, or somebody who speaks for her; `relation` "self" is the patient. `language` empty: the
    patient's. `may_be_mailed` and `stopped` None: as it was, or yes and no for a new one; `stopped` False starts again.
    `pk` says which of hers is meant, where several are given at once."""

    name: str = ""
    relation: str = "self"
    email: str = ""
    phone: str = ""
    language: str = ""
    channel: str = Contact.Channel.EMAIL
    may_be_mailed: bool | None = None
    may_book: bool = False
    stopped: bool | None = None
    pk: int | None = None


def contact_fingerprint(contact: Contact) -> str:
    """What a form about it is held against."""
    return fingerprint(contact)


def find(*, patient: Patient, pk: int) -> Contact:
    """Raises NotFound for what is no contact of hers."""
    found = Contact.objects.select_related("patient").filter(patient=patient, pk=pk).first()
    if found is None:
        raise NotFound
    return found


def add(*, actor: Actor, patient: Patient, center: Center, facts: ContactFacts, now: datetime) -> Contact:
    """One more way to reach her; the first she has is her primary one. Raises Malformed."""
    _check(facts, center)
    _check_reachable(facts)
    with _hers(patient, now):
        contact = Contact(patient=patient, is_primary=not patient.contacts.filter(is_primary=True).exists())
        _set(contact, facts, now)
        contact.save()
        _recorded(actor, "add-contact", patient, now, contact=contact.pk, channel=contact.channel)
    return contact


def change(
    *, actor: Actor, contact: Contact, center: Center, facts: ContactFacts, as_read: str | None = None, now: datetime
) -> Contact:
    """Correct it. A new address or number is tried, whatever came back from the old one. Raises Malformed, and Stale
    where `as_read` is not what is there."""
    _check(facts, center)
    _check_reachable(facts)
    with _hers(contact.patient, now):
        row = _current(contact, as_read)
        before = _values(row)
        _set(row, facts, now)
        changed = sorted(name for name, value in _values(row).items() if value != before[name])
        if changed:
            row.save()
            said = {"contact": row.pk, "fields": changed}
            if "channel" in changed:
                said["channel"] = row.channel
            _recorded(actor, "change-contact", contact.patient, now, **said)
    return row


def remove(*, actor: Actor, contact: Contact, as_read: str | None = None, now: datetime) -> None:
    """Links in what was written there do nothing any more. Where it was the primary one, the next is. Raises Stale."""
    with _hers(contact.patient, now):
        row = _current(contact, as_read)
        row.delete()
        following = Contact.objects.filter(patient=contact.patient).first()
        if row.is_primary and following is not None:
            Contact.objects.filter(pk=following.pk).update(is_primary=True)
        _recorded(actor, "remove-contact", contact.patient, now, contact=contact.pk)


def make_primary(*, actor: Actor, contact: Contact, now: datetime) -> None:
    """The first to be written to or called. Safe to repeat."""
    with _hers(contact.patient, now):
        row = _current(contact, None)
        if row.is_primary:
            return
        Contact.objects.filter(patient=contact.patient, is_primary=True).update(is_primary=False)
        Contact.objects.filter(pk=row.pk).update(is_primary=True)
        _recorded(actor, "make-primary-contact", contact.patient, now, contact=row.pk)


def replace_all(
    *, actor: Actor, patient: Patient, center: Center, contacts: Sequence[ContactFacts], now: datetime
) -> None:
    """These are all of hers, the first is the primary one. One that she has already, by `pk`, address or number, stays
    itself: whoever stopped has stopped, and what came back isn't tried again. Call it inside the transaction of the
    change, which makes her findable by them. Raises Malformed."""
    for facts in contacts:
        _check(facts, center)
    left = list(patient.contacts.all())
    Contact.objects.filter(pk__in=[contact.pk for contact in left]).update(is_primary=False)
    for number, facts in enumerate(contacts):
        known = _same(facts, left)
        if known is None:
            known = Contact(patient=patient)
        else:
            left.remove(known)
        had_stopped = known.stopped_at is not None
        _set(known, facts, now)
        known.is_primary = number == 0
        known.save()
        if had_stopped != (known.stopped_at is not None):
            verb = "start-messages" if had_stopped else "stop-messages"
            _recorded(actor, verb, patient, now, contact=known.pk, may_be_mailed=known.may_be_mailed)
    Contact.objects.filter(pk__in=[contact.pk for contact in left]).delete()
    ways.redirect(patient.pk, now=now)


@contextmanager
def _hers(patient: Patient, now: datetime) -> Iterator[None]:
    """One change of her contacts at a time, and what it means for what is due."""
    with transaction.atomic():
        Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
        yield
        ways.redirect(patient.pk, now=now)
        findable.refresh([patient.pk])


def _current(contact: Contact, as_read: str | None) -> Contact:
    row = Contact.objects.filter(pk=contact.pk).first()
    if row is None:
        raise NotFound
    check_unchanged(as_read, contact_fingerprint(row))
    return row


def _set(contact: Contact, facts: ContactFacts, now: datetime) -> None:
    is_new = contact.pk is None
    if contact.email.casefold() != facts.email.casefold():
        contact.bounced_at = None
    if contact.phone != facts.phone:
        contact.number_failed_at = None
    for name in _FIELDS:
        setattr(contact, name, getattr(facts, name))
    contact.relation = facts.relation or "self"
    if facts.stopped is False:
        contact.stopped_at = contact.bounced_at = contact.number_failed_at = None
        contact.may_be_mailed = facts.may_be_mailed is not False
    elif facts.stopped and contact.stopped_at is None:
        contact.stopped_at, contact.may_be_mailed = now, False
    elif contact.stopped_at is None and (is_new or facts.may_be_mailed is not None):
        contact.may_be_mailed = facts.may_be_mailed is not False


def _values(contact: Contact) -> dict[str, Any]:
    return {name: getattr(contact, name) for name in _FIELDS}


def _same(facts: ContactFacts, known: Sequence[Contact]) -> Contact | None:
    if facts.pk is not None:
        found = next((contact for contact in known if contact.pk == facts.pk), None)
        if found is None:
            raise Malformed("id", gettext_noop("She has no such contact."))
        return found
    for name in ("email", "phone"):
        value = getattr(facts, name)
        found = next((one for one in known if value and getattr(one, name).casefold() == value.casefold()), None)
        if found is not None:
            return found
    return None


def _check(facts: ContactFacts, center: Center) -> None:
    for name, most in _MOST_SIGNS.items():
        value = getattr(facts, name)
        if len(value) > most:
            raise Malformed(name, gettext_noop("This is longer than {most} signs."), most=most)
        if any(ord(sign) < 32 for sign in value):
            raise Malformed(name, gettext_noop("There are signs in it that can’t be shown."))
    if facts.channel not in Contact.Channel.values:
        raise Malformed("channel", gettext_noop("There is e-mail, text, and calls."))
    if facts.email:
        try:
            validate_email(facts.email)
        except ValidationError as wrong:
            raise Malformed("email", gettext_noop("An e-mail address looks like name@example.org.")) from wrong
    if facts.channel == Contact.Channel.TEXT:
        if not text_provider.is_on():
            raise Malformed("channel", gettext_noop("This service sends no texts. Choose e-mail or calls."))
        if numbers.e164(facts.phone, country=center.country) is None:
            raise Malformed("phone", gettext_noop("Texts need the whole number of a mobile phone, with its area code."))


def _check_reachable(facts: ContactFacts) -> None:
    """At the desk: what is chosen has somewhere to go."""
    if facts.channel == Contact.Channel.EMAIL and not facts.email:
        raise Malformed("email", gettext_noop("There is no address to write to. Enter one, or choose another way."))
    if facts.channel == Contact.Channel.CALL and not facts.phone:
        raise Malformed("phone", gettext_noop("There is no number to call. Enter one, or choose another way."))


def _recorded(actor: Actor, verb: str, patient: Patient, now: datetime, **after: Any) -> None:
    record.event(actor=actor, verb=verb, subject=patient, now=now, after=after)
