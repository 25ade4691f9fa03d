"""How each patient is told: whom a message goes to, or whom somebody calls."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from scheduler.models import Contact, LedgerEntry
from scheduler.queries import raw

_CONTACTS = f"SELECT {raw.columns(Contact, 'c')} FROM scheduler_contact c"


@dataclass(frozen=True, slots=True)
class Recipient:
    """How a patient is told: by mail to `contact`, or by a call (to `contact`, if anybody has a phone)."""

    channel: str
    contact: Contact | None


def recipients_of(patients: Collection[int | None]) -> dict[int | None, Recipient]:
    """Per patient id: the first contact (primary first) that agreed to mail and whose address didn't bounce, else the
    first with a phone."""
    contacts: dict[int | None, list[Contact]] = {patient: [] for patient in patients}
    known = raw.ids(patient for patient in patients if patient is not None)
    for row in raw.rows(f"{_CONTACTS} WHERE c.patient_id IN ({known}) ORDER BY c.is_primary DESC, c.id"):
        contact = raw.instance(Contact, row)
        if contact is not None:
            contacts[contact.patient_id].append(contact)
    return {patient: _recipient(found) for patient, found in contacts.items()}


def _recipient(contacts: Sequence[Contact]) -> Recipient:
    for contact in contacts:
        if contact.email and contact.may_be_mailed and contact.bounced_at is None:
            return Recipient(LedgerEntry.Channel.EMAIL, contact)
    by_phone = next((contact for contact in contacts if contact.phone), None)
    return Recipient(LedgerEntry.Channel.CALL, by_phone)
