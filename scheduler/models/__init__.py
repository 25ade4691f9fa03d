"""Floor 1: shape, constraints and local properties. Nothing here decides; services/ writes."""

from scheduler.models.accounts import AccountMail, RecoveryCode, SignIn
from scheduler.models.appointments import Appointment, Occupancy, UnitDay
from scheduler.models.assignment import Assignment, HandoverNote, HandoverRead
from scheduler.models.courses import Course, Visit
from scheduler.models.doses import Dose
from scheduler.models.floor import ChecklistAnswer, PrescriberDecision, Reaction, SheetPrint
from scheduler.models.idempotency import IdempotencyKey
from scheduler.models.imports import Import, ImportBatch, ImportRow
from scheduler.models.ledger import LedgerEntry
from scheduler.models.links import Link
from scheduler.models.messages import Breaker, Wording
from scheduler.models.people import ApiKey, Contact, Membership, Patient, Registration, SearchKey
from scheduler.models.places import Center, Chair, ChairKind, Closure, OpeningHours, Unit, Weekday
from scheduler.models.protocols import Protocol
from scheduler.models.record import Access, Event, Seal
from scheduler.models.staffing import Break, Nurse, Shift, StaffingPattern
from scheduler.models.worklist import Heartbeat, Offer, WaitlistEntry, WorklistMark

__all__ = [
    "Access",
    "AccountMail",
    "ApiKey",
    "Appointment",
    "Assignment",
    "Break",
    "Breaker",
    "Center",
    "Chair",
    "ChairKind",
    "ChecklistAnswer",
    "Closure",
    "Contact",
    "Course",
    "Dose",
    "Event",
    "HandoverNote",
    "HandoverRead",
    "Heartbeat",
    "IdempotencyKey",
    "Import",
    "ImportBatch",
    "ImportRow",
    "LedgerEntry",
    "Link",
    "Membership",
    "Nurse",
    "Occupancy",
    "Offer",
    "OpeningHours",
    "Patient",
    "PrescriberDecision",
    "Protocol",
    "Reaction",
    "RecoveryCode",
    "Registration",
    "Seal",
    "SearchKey",
    "SheetPrint",
    "Shift",
    "SignIn",
    "StaffingPattern",
    "Unit",
    "UnitDay",
    "Visit",
    "WaitlistEntry",
    "Weekday",
    "Wording",
    "WorklistMark",
]
