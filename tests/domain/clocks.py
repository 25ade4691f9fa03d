"""Short ways to write moments. Expectations carry their offset, so no test leans on the code that it checks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
MADRID = ZoneInfo("Europe/Madrid")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
SANTIAGO = ZoneInfo("America/Santiago")
APIA = ZoneInfo("Pacific/Apia")
CAIRO = ZoneInfo("Africa/Cairo")
HAVANA = ZoneInfo("America/Havana")


def at(iso: str) -> datetime:
    """`2026-03-08T01:00-05:00` in UTC."""
    moment = datetime.fromisoformat(iso)
    assert moment.tzinfo is not None, iso
    return moment.astimezone(UTC)


def clocks(moments: Iterable[datetime], zone: ZoneInfo) -> list[str]:
    """`Sun 08 Mar 10:00 EDT`."""
    return [f"{moment.astimezone(zone):%a %d %b %H:%M %Z}" for moment in moments]


def dates(moments: Iterable[datetime], zone: ZoneInfo) -> list[str]:
    """`2027-02-28 10:00`."""
    return [f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in moments]
