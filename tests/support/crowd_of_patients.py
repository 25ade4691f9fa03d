"""Many patients at once, with names that begin alike as real ones do, and all that they are found by."""

from __future__ import annotations

import random
from datetime import date, timedelta

from django.db import connection

from scheduler.domain import names
from scheduler.models import Center, Contact, Patient, Registration
from scheduler.services import findable
from tests.factories import NOW

FIRST = (
    "Maria", "Anna", "Mark", "Éva", "Jo", "Li", "Martin", "Katalin", "Ole", "Zoë", "Amir", "Noor", "Ivan", "Marta",
    "Lucía", "Peter", "Marie", "Ruth", "Omar", "Mei",
)  # fmt: skip
ENDINGS = ("son", "ez", "ova", "berg", "mann", "ini", "stad", "wicz", "ström", "akis")
AT_ONCE = 1_000


def register(center: Center, count: int) -> None:
    """The database's statistics are up to date afterwards."""
    dice = random.Random(7)
    for begin in range(0, count, AT_ONCE):
        made = Patient.objects.bulk_create(_patient(dice) for _number in range(min(AT_ONCE, count - begin)))
        Registration.objects.bulk_create(
            Registration(center=center, patient=each, mrn=f"{100_000 + begin + number:06}")
            for number, each in enumerate(made)
        )
        Contact.objects.bulk_create(
            Contact(patient=each, phone=f"212 {dice.randrange(10**7):07}", is_primary=True) for each in made
        )
        findable.refresh(each.pk for each in made)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _patient(dice: random.Random) -> Patient:
    first = dice.choice(FIRST)
    last = "".join(dice.choice("bdfgklmnprstvz") + dice.choice("aeiou") for _syllable in range(2)).capitalize()
    last += dice.choice(ENDINGS)
    return Patient(
        first_name=first,
        last_name=last,
        search_text=names.search_text(first, last),
        birth_date=date(1940, 1, 1) + timedelta(days=dice.randrange(25_000)),
        created_at=NOW,
    )
