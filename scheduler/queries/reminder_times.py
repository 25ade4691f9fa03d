"""When the reminders of a visit leave."""

from __future__ import annotations

from datetime import datetime, timedelta

from scheduler.domain import localtime, quiet_hours
from scheduler.models import Center


def reminder_times(center: Center, start: datetime) -> dict[int, datetime]:
    """Days before -> when that reminder leaves (UTC), at the center's own hour of that local day, or before its
    quiet hours where that hour is one of them; only those that leave before `start`."""
    day = localtime.local_date(start, center.zone)
    times = {
        days: quiet_hours.latest_before(
            localtime.at(day - timedelta(days=days), center.reminder_minute, center.zone),
            quiet_from=center.quiet_from,
            quiet_until=center.quiet_until,
            zone=center.zone,
        )
        for days in center.reminder_days
    }
    return {days: due for days, due in times.items() if due < start}
