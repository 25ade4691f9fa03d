"""`manage.py load_demo [--today YYYY-MM-DD]`: the demo clinic, as if it had been open for a year."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from scheduler.domain import localtime
from scheduler.management.demo import clinic, roster
from scheduler.management.demo.players import Players
from scheduler.management.progress import Progress
from scheduler.models import Appointment, Center, Course, Patient

MID_MORNING = 10 * 60 + 40  # minute of the local day that --today means


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise ArgumentTypeError(f"“{text}” is not a date such as 2026-11-24.") from wrong


class Command(BaseCommand):
    help = "Makes the demo clinic, with dates around today. Where it is already, nothing changes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--today", type=_date, metavar="YYYY-MM-DD", help="the day to be, at 10:40 there")

    def handle(self, *, today: date | None, **options: Any) -> None:
        plan = clinic.read()
        if Center.objects.filter(code=plan["center"]["code"]).exists():
            self.stdout.write("The demo clinic is here already; nothing changed.")
            return
        zone = localtime.zone(plan["center"]["time_zone"])
        now = timezone.now() if today is None else localtime.at(today, MID_MORNING, zone)
        call_command("load_protocols", stdout=StringIO())
        progress = Progress()
        # All or nothing: a load that was stopped half-way leaves no half clinic behind.
        with transaction.atomic():
            progress.show(0, "Setting up the demo clinic")
            place = clinic.set_up(plan=plan, now=now)
            roster.publish(clinic=place, plan=plan, today=localtime.local_date(now, zone))
            Players(clinic=place, now=now).play(watch=lambda share: progress.show(share, "Playing its year"))
        progress.done()
        self.stdout.write(
            f"Demo clinic: {Patient.objects.filter(registrations__center=place.center).count()} patients, "
            f"{Course.objects.filter(center=place.center).count()} courses, "
            f"{Appointment.objects.filter(center=place.center).count()} appointments."
        )
