"""The `.ics` in a mail: the visit for the patient's own calendar, without a word about why she comes.

One visit is a REQUEST (or CANCEL) as of RFC 5546, which Apple, Google and Outlook keep up to date by UID and SEQUENCE.
Several are one PUBLISH: a REQUEST may hold one UID only, and Outlook turns away one that holds more. Times are UTC,
which every calendar shows on its own clock and which needs no VTIMEZONE.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.mime.text import MIMEText

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from icalendar import Alarm, Calendar, Event, vCalAddress, vText

from scheduler.models import Appointment, Center

ALARM_BEFORE = timedelta(hours=2)  # before the time to arrive: long enough to set out, short enough to be news
FILE_NAME = "visit.ics"


def part(
    appointments: Sequence[Appointment], *, center: Center, sender: str, address: str, told_at: datetime, is_stay: bool
) -> MIMEText | None:
    """The attachment about these appointments as they now are, in the language that is active; None without any.

    `sender` and `address` are plain mail addresses. `told_at` is the row's time, so that a repeat is the same file.
    Of a stay only the first dose rings: nobody is woken for the ones at night.
    """
    if not appointments:
        return None
    method = _method(appointments)
    calendar = Calendar()
    calendar.add("prodid", "-//Visits//Calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    rings = True
    for appointment in appointments:
        event = _event(appointment, center, sender, told_at)
        is_off = appointment.status == Appointment.Status.CANCELLED
        if method != "PUBLISH":
            event.add("attendee", _attendee(address))
        if rings and not is_off:
            event.add_component(_alarm(appointment))
            rings = not is_stay
        calendar.add_component(event)
    attachment = MIMEText(calendar.to_ical().decode(), "calendar", "utf-8")
    attachment.set_param("method", method)
    attachment.add_header("Content-Disposition", "attachment", filename=FILE_NAME)
    return attachment


def uid(appointment: Appointment, domain: str) -> str:
    """The same for as long as the appointment lives, wherever it moves; its number can't be read from it."""
    return f"{salted_hmac('scheduler.calendar', str(appointment.pk), algorithm='sha256').hexdigest()[:32]}@{domain}"


def _method(appointments: Sequence[Appointment]) -> str:
    if len(appointments) > 1:
        return "PUBLISH"
    return "CANCEL" if appointments[0].status == Appointment.Status.CANCELLED else "REQUEST"


def _event(appointment: Appointment, center: Center, sender: str, told_at: datetime) -> Event:
    is_off = appointment.status == Appointment.Status.CANCELLED
    name = _one_line(center.mail_name)
    organizer = vCalAddress(f"MAILTO:{sender}")
    organizer.params["cn"] = vText(name)
    event = Event()
    event.add("uid", uid(appointment, sender.rpartition("@")[2] or "localhost"))
    event.add("sequence", appointment.version)
    event.add("dtstamp", told_at.astimezone(UTC))
    event.add("dtstart", appointment.start.astimezone(UTC))
    event.add("dtend", appointment.end.astimezone(UTC))
    event.add("summary", _("Visit: %(center)s") % {"center": name})
    event.add("status", "CANCELLED" if is_off else "CONFIRMED")
    event.add("class", "PRIVATE")
    event.add("organizer", organizer)
    if center.address:
        event.add("location", _one_line(center.address))
    event.add("description", _description(appointment, center))
    return event


def _description(appointment: Appointment, center: Center) -> str:
    lines = [_("Questions, or another time? Call %(phone)s.") % {"phone": _one_line(center.phone)}]
    if appointment.prep_minutes:
        minutes = {"minutes": appointment.prep_minutes}
        lines.insert(0, _("Come %(minutes)s minutes before this time.") % minutes)
    return "\n".join(lines)


def _attendee(address: str) -> vCalAddress:
    attendee = vCalAddress(f"MAILTO:{address}")
    attendee.params["partstat"] = vText("ACCEPTED")
    attendee.params["rsvp"] = vText("FALSE")  # the answer is the link in the mail; nobody reads a calendar's
    return attendee


def _alarm(appointment: Appointment) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", _("Your visit"))
    alarm.add("trigger", -(ALARM_BEFORE + timedelta(minutes=appointment.prep_minutes)))
    return alarm


def _one_line(text: str) -> str:
    """Without line breaks, control signs and the quotes that a parameter can't carry."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).replace('"', "'").split())
