"""How each patient is told: whom a message goes to, or whom somebody calls."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from scheduler.models import Contact, LedgerEntry
from scheduler.queries import raw
from scheduler.services import text_provider

_CONTACTS = f"SELECT {raw.columns(Contact, 'c')} FROM scheduler_contact c"


@dataclass(frozen=True, slots=True)
class Recipient:
    """How a patient is told: by mail or by text to `contact`, or by a call (to `contact`, if anybody has a phone)."""

    channel: str
    contact: Contact | None


def recipients_of(patients: Collection[int | None]) -> dict[int | None, Recipient]:
    """Per patient id: the first contact (primary first) that can be written to on its channel, unless one before it
    wants calls; else the first with a phone."""
    contacts: dict[int | None, list[Contact]] = {patient: [] for patient in patients}
    known = raw.ids(patient for patient in patients if patient is not None)
    for row in raw.rows(f"{_CONTACTS} WHERE c.patient_id IN ({known}) ORDER BY c.is_primary DESC, c.id"):
        contact = raw.instance(Contact, row)
        if contact is not None:
            contacts[contact.patient_id].append(contact)
    return {patient: recipient_of(found) for patient, found in contacts.items()}


def written_by(contact: Contact) -> str | None:
    """The channel on which this contact is written to, None where it can't or mustn't be."""
    if not contact.may_be_mailed:
        return None
    if contact.channel == Contact.Channel.EMAIL and contact.email and contact.bounced_at is None:
        return LedgerEntry.Channel.EMAIL
    if contact.channel == Contact.Channel.TEXT and contact.phone and contact.number_failed_at is None:
        return LedgerEntry.Channel.TEXT if text_provider.is_on() else None
    return None


def wants_calls(contact: Contact) -> bool:
    """She said so, or stopped what was written to her: then nobody else is written to in her place."""
    return bool(contact.phone) and (contact.channel == Contact.Channel.CALL or contact.stopped_at is not None)


def recipient_of(contacts: Sequence[Contact]) -> Recipient:
    """As `recipients_of`, of one patient's contacts, primary first."""
    for contact in contacts:
        channel = written_by(contact)
        if channel is not None:
            return Recipient(channel, contact)
        if wants_calls(contact):
            return Recipient(LedgerEntry.Channel.CALL, contact)
    by_phone = next((contact for contact in contacts if contact.phone), None)
    return Recipient(LedgerEntry.Channel.CALL, by_phone)
