"""How a center words its messages: its own subject and paragraphs where it has some, the standard ones elsewhere.

Sending asks `of`, whatever the channel. Managers change them by `change` and `reset`; what could tell why a patient
comes, or put anything but plain words into a message, is refused with a sentence that says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from scheduler.domain import wording as words
from scheduler.domain.errors import Malformed, NotFound, Stale, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Center, LedgerEntry, Protocol, Wording
from scheduler.models.messages import LONGEST_SUBJECT, LONGEST_TEXT
from scheduler.services import catalogues, record
from scheduler.services.setup import check_may

Kind = LedgerEntry.Kind

KINDS = (Kind.BOOKED, Kind.OVERVIEW, Kind.REMINDER, Kind.MOVED, Kind.CANCELLED, Kind.OFFER, Kind.OFFER_GONE)
FIELDS = {"subject": LONGEST_SUBJECT, "opening": LONGEST_TEXT, "closing": LONGEST_TEXT}

_ALWAYS = ("first_name", "date", "weekday", "time", "place", "address", "phone")
_OFF = (Kind.CANCELLED, Kind.OFFER_GONE)  # she need not come: nothing to bring, no time to arrive

_SENTENCES = {
    "line-break": gettext_noop("The subject is one line."),
    "control": gettext_noop("There is a sign in it that nobody can see. Type the text anew instead of pasting it."),
    "brace": gettext_noop("Braces stand only around a placeholder, such as {{date}}."),
    "placeholder": gettext_noop("There is no placeholder {{{what}}} here. Those there are stand below the text."),
    "telling": gettext_noop(
        "“{what}” would tell others why she comes: mails are seen by families, colleagues and mail companies."
    ),
}


@dataclass(frozen=True, slots=True)
class Said:
    """The words of one kind of message, with placeholders. An empty subject: the standard one."""

    subject: str = ""
    opening: str = ""
    closing: str = ""

    def filled(self, values: Mapping[str, str]) -> Filled:
        """Raises KeyError for a placeholder that is not in `values`."""
        # No value breaks a header's line.
        flat = {name: " ".join(filter(None, value.splitlines())) for name, value in values.items()}
        return Filled(
            subject=words.fill(self.subject, flat),
            opening=words.paragraphs(words.fill(self.opening, flat)),
            closing=words.paragraphs(words.fill(self.closing, flat)),
        )


@dataclass(frozen=True, slots=True)
class Filled:
    """As the patient reads it. Plain text: whoever puts it into HTML escapes it."""

    subject: str
    opening: list[str]
    closing: list[str]


def of(center: Center, kind: str, language: str) -> Said:
    """What is sent: the center's own words, with the standard where it has none."""
    row = Wording.objects.filter(center=center, kind=kind, language=language).first()
    usual = _standard_closing(kind, language)
    if row is None:
        return Said(closing=usual)
    return Said(subject=row.subject, opening=row.opening, closing=row.closing or usual)


def standard(kind: str, language: str) -> Said:
    """The words of who changed nothing, with placeholders."""
    at = {"day": "{date}", "time": "{time}", "weekday": "{weekday}"}
    with translation.override(language):
        subjects = {
            Kind.OVERVIEW: _("Your visits from %(day)s, %(time)s") % at,
            Kind.MOVED: _("New time: your visit on %(day)s, %(time)s") % at,
            Kind.CANCELLED: _("Cancelled: your visit on %(day)s, %(time)s") % at,
            Kind.OFFER: _("Earlier: %(day)s, %(time)s is free") % at,
            Kind.OFFER_GONE: _("The earlier time is no longer free"),
        }
        subject = subjects.get(Kind(kind), _("Your visit on %(day)s, %(time)s") % at)
    return Said(subject=subject, closing=_standard_closing(kind, language))


def placeholders(kind: str) -> tuple[str, ...]:
    """Those that mean something in this kind of message."""
    return (*_ALWAYS, *(() if kind in _OFF else ("arrive",)), *(("until",) if kind == Kind.OFFER else ()))


def row_of(center: Center, kind: str, language: str) -> Wording:
    """The center's row, or an unsaved one of version 0. Raises NotFound for a kind or language that there isn't."""
    if kind not in KINDS or language not in catalogues.SPOKEN:
        raise NotFound
    found = Wording.objects.filter(center=center, kind=kind, language=language).first()
    return found or Wording(center=center, kind=kind, language=language, version=0)


def read(center: Center, kind: str, language: str, texts: Mapping[str, str]) -> Said:
    """What somebody typed, tidied and checked; a field that says the standard is empty. Raises Malformed with the
    field and why."""
    usual = standard(kind, language)
    telling = _telling(center)
    tidy = {}
    for field, longest in FIELDS.items():
        one_line = field == "subject"
        text = words.tidy(texts.get(field, ""), one_line=one_line)
        if len(text) > longest:
            raise Malformed(field, gettext_noop("That is longer than {longest} letters."), longest=longest)
        try:
            words.check(text, allowed=placeholders(kind), telling=telling, one_line=one_line)
        except words.Unfit as unfit:
            raise Malformed(field, _SENTENCES[unfit.code], what=unfit.what) from None
        tidy[field] = "" if text == getattr(usual, field) else text
    return Said(**tidy)


def change(
    *, actor: Actor, center: Center, kind: str, language: str, texts: Mapping[str, str], version: int, now: datetime
) -> Wording:
    """Keep these words. `version` is the one that was read. Raises Forbidden, NotFound, Malformed, and Stale where
    somebody else changed it meanwhile."""
    check_may(actor)
    row = row_of(center, kind, language)
    return _write(actor, row, read(center, kind, language, texts), "edit-wording", version, now)


def reset(*, actor: Actor, center: Center, kind: str, language: str, version: int, now: datetime) -> Wording:
    """Back to the standard text. Raises as `change` does."""
    check_may(actor)
    return _write(actor, row_of(center, kind, language), Said(), "reset-wording", version, now)


def _write(actor: Actor, row: Wording, said: Said, verb: str, version: int, now: datetime) -> Wording:
    before = {field: getattr(row, field) for field in FIELDS}
    after: dict[str, Any] = {field: getattr(said, field) for field in FIELDS}
    with transaction.atomic():
        if version == 0:
            try:
                with transaction.atomic():
                    row = Wording.objects.create(
                        center=row.center, kind=row.kind, language=row.language, changed_at=now, **after
                    )
            except IntegrityError:  # somebody else was first
                raise Stale from None
        else:
            mine = Wording.objects.filter(pk=row.pk, version=version)
            if not mine.update(**after, version=version + 1, changed_at=now):
                raise Stale
            row.refresh_from_db()
        where = {"kind": row.kind, "language": row.language}
        record.event(actor=actor, verb=verb, subject=row, now=now, before=before, after=where | after)
    return row


def _standard_closing(kind: str, language: str) -> str:
    if kind in _OFF:
        return ""
    with translation.override(language):
        return _("Bring a photo ID and your insurance card. Somebody may come with you.")


def _telling(center: Center) -> frozenset[str]:
    """The words of the protocols that this center uses."""
    names: list[str] = []
    for protocol in Protocol.objects.filter(Q(center=center) | Q(center__isnull=True)):
        names += [protocol.name, protocol.short_name, protocol.abbreviation, protocol.substance, protocol.code]
        names += [str(component.get("name", "")) for component in protocol.components]
    return words.words_of(names)
