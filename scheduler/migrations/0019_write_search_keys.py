"""Everybody who is registered already gets the keys she is found by, some hundred patients in a transaction.

Safe to repeat and to go on with after an interruption. The keys come from the domain as it is now, not as it was when
this was written: they are derived, and it is the search of now that reads them.
"""

from collections import defaultdict

from django.db import migrations, transaction
from django.db.models.functions import Coalesce

from scheduler.domain import search_keys

PATIENTS_AT_ONCE = 500


def write(apps, schema_editor):
    # The connection that migrates, not the service's: under grants the service may not read before it is told so.
    alias = schema_editor.connection.alias
    Patient = apps.get_model("scheduler", "Patient")
    last = 0
    while True:
        waiting = Patient.objects.using(alias).filter(pk__gt=last, merged_into=None)
        people = list(waiting.order_by("pk")[:PATIENTS_AT_ONCE])
        if not people:
            return
        with transaction.atomic(alias):
            _write_some(apps, alias, people)
        last = people[-1].pk


def _write_some(apps, alias, people):
    contacts, registrations, keys = (
        apps.get_model("scheduler", name).objects.using(alias) for name in ("Contact", "Registration", "SearchKey")
    )
    SearchKey = apps.get_model("scheduler", "SearchKey")
    wanted = [one.pk for one in people]
    phones = defaultdict(list)
    for patient, phone in contacts.filter(patient__in=wanted).exclude(phone="").values_list("patient", "phone"):
        phones[patient].append(phone)
    mrns = defaultdict(list)
    # Two statements, not one with OR: each has an index to go by.
    for rows in (
        registrations.filter(patient__in=wanted),
        registrations.filter(patient__merged_into__in=wanted),
    ):
        for kept, center, mrn in rows.values_list(Coalesce("patient__merged_into", "patient"), "center", "mrn"):
            mrns[kept, center].append(mrn)
    text = {one.pk: one.search_text for one in people}
    keys.bulk_create(
        [
            SearchKey(center_id=center, patient_id=patient, key=key)
            for (patient, center), known in mrns.items()
            for key in sorted(search_keys.of(search_text=text[patient], mrns=known, phones=phones[patient]))
        ],
        batch_size=1_000,
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("scheduler", "0018_search_keys"),
    ]

    operations = [
        migrations.RunPython(write, migrations.RunPython.noop),
    ]
