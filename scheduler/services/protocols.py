"""The protocol library: versions come from a file or from a center's own draft, and are published for good.

The only writer of protocols besides the admin's drafts. A published version is never touched: a change is a
new version. What a row may hold is checked in services/protocol_rows.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, Q

from scheduler.domain.errors import Malformed, Refusal, Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Center, Protocol
from scheduler.services import protocol_rows, record
from scheduler.services.setup import check_may


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a library brought: versions that are published now, and versions that were here before."""

    inserted: tuple[Protocol, ...]
    present: tuple[Protocol, ...]


def load(*, rows: Sequence[Mapping[str, Any]], now: datetime) -> Loaded:
    """Publish the versions that are absent, all or none. A row without `center` is for every center.

    Raises Malformed, its field led by the row's number and code, and Refused where a version is here already
    with other content (`published_protocol_is_kept`, one refusal for each version, naming the fields).
    """
    read = [protocol_rows.read(row, number) for number, row in enumerate(rows, start=1)]
    _no_version_twice(read)
    inserted, present, differing = [], [], []
    with transaction.atomic():
        for protocol in read:
            here = Protocol.objects.filter(center=protocol.center, code=protocol.code, version=protocol.version).first()
            if here is None:
                protocol.published_at = now
                protocol.save(force_insert=True)
                _tell(Actor.job("load-protocols"), protocol, now)
                inserted.append(protocol)
            elif fields := differences(here, protocol):
                differing.append(_differs(protocol, fields))
            else:
                present.append(here)
        if differing:
            raise Refused(differing)
    return Loaded(inserted=tuple(inserted), present=tuple(present))


def publish(*, actor: Actor, protocol: Protocol, now: datetime) -> Protocol:
    """Make a draft final. Raises Malformed where it makes no sense, Refused when it is final already."""
    with transaction.atomic():
        draft = Protocol.objects.select_for_update(of=("self",)).get(pk=protocol.pk)
        if draft.published_at is not None:
            raise Refused(
                [
                    Refusal(
                        "published_protocol_is_kept",
                        gettext_noop("{protocol} is published already. Give the change a new version."),
                        {"protocol": draft.key},
                    )
                ]
            )
        protocol_rows.check(draft, draft.key)
        draft.published_at = now
        draft.save(update_fields=["published_at"])
        _tell(actor, draft, now)
    return draft


def add(*, actor: Actor, center: Center, row: Mapping[str, Any], now: datetime) -> Protocol:
    """Publish one version for this center alone; `row` is as in the library's file, without `center`. Without
    `version` it is the next of its code. Raises Forbidden, Malformed with the field's name, and Refused where this
    version is there already."""
    check_may(actor)
    values = {"version": _next_version(center, row.get("code")), **row}
    for name, value in values.items():
        if name == "center" or not _can_be_kept(value):
            raise Malformed(name, gettext_noop("This can’t be kept here."))
    try:
        protocol = protocol_rows.read({**values, "center": center.code}, 1)
    except Malformed as wrong:
        raise Malformed(wrong.field.rpartition(": ")[2], wrong.sentence, **wrong.facts) from wrong
    protocol.published_at = now
    try:
        with transaction.atomic():
            protocol.save(force_insert=True)
            _tell(actor, protocol, now)
    except IntegrityError as taken:
        raise Refused(
            [
                Refusal(
                    "published_protocol_is_kept",
                    gettext_noop("{protocol} is published already. Give the change a new version."),
                    {"protocol": protocol.key},
                )
            ]
        ) from taken
    return protocol


def _next_version(center: Center, code: Any) -> int:
    if not isinstance(code, str):
        return 1  # refused by its shape
    known = Protocol.objects.filter(Q(center=center) | Q(center__isnull=True), code=code)
    return (known.aggregate(newest=Max("version"))["newest"] or 0) + 1


def _can_be_kept(value: Any) -> bool:
    """Neither database keeps a NUL or half a surrogate pair in its JSON, nor a number without end."""
    if isinstance(value, Mapping):
        return all(_can_be_kept(each) for pair in value.items() for each in pair)
    if isinstance(value, list):
        return all(map(_can_be_kept, value))
    if isinstance(value, str):
        return not any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in value)
    return not isinstance(value, (int, float)) or abs(value) < 2**53


def differences(here: Protocol, other: Protocol) -> list[str]:
    """Names of the fields in which two versions differ, apart from when they were published."""
    return [name for name in protocol_rows.FIELDS if getattr(here, name) != getattr(other, name)]


def _differs(protocol: Protocol, fields: Sequence[str]) -> Refusal:
    return Refusal(
        "published_protocol_is_kept",
        gettext_noop("{protocol} is here with another {fields}. Give the change a new version."),
        {"protocol": protocol.key, "fields": ", ".join(fields)},
    )


def _no_version_twice(protocols: Sequence[Protocol]) -> None:
    seen: set[tuple[int | None, str, int]] = set()
    for number, protocol in enumerate(protocols, start=1):
        key = (protocol.center_id, protocol.code, protocol.version)
        if key in seen:
            raise Malformed(
                f"{number} ({protocol.code}): version",
                gettext_noop("{protocol} stands twice in the file."),
                protocol=protocol.key,
            )
        seen.add(key)


def _tell(actor: Actor, protocol: Protocol, now: datetime) -> None:
    record.event(
        actor=actor,
        verb="publish",
        subject=protocol,
        after={"code": protocol.code, "version": protocol.version},
        now=now,
    )
