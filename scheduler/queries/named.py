"""What a booking names, by one statement: a chair with its unit, a patient, a protocol, all within one center."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.models import Center, Chair, Patient, Protocol, Unit
from scheduler.queries import raw


@dataclass(frozen=True, slots=True)
class Named:
    """None is what was not asked for, or is not there for this center."""

    chair: Chair | None
    patient: Patient | None
    protocol: Protocol | None


def find(center: Center, *, chair: int | None = None, patient: int | None = None, protocol: int | None = None) -> Named:
    """By ids: a chair of the center, a patient registered there, a published protocol that it may use."""
    values = raw.rows(
        _STATEMENT, {"center": center.pk, "chair": chair, "patient": patient, "protocol": protocol}, prepared=True
    )[0]
    found = []
    for model in _MODELS:
        found.append(raw.instance(model, values))
        values = values[raw.width(model) :]
    seat, unit, person, plan = found
    if isinstance(seat, Chair) and isinstance(unit, Unit):
        unit.center = center
        seat.unit = unit
    return Named(seat, person, plan)  # type: ignore[arg-type]  # in the order of _MODELS


_MODELS = (Chair, Unit, Patient, Protocol)
_STATEMENT = f"""
    SELECT {raw.columns(Chair, "c")}, {raw.columns(Unit, "u")}, {raw.columns(Patient, "p")},
        {raw.columns(Protocol, "r")}
    FROM scheduler_center e
    LEFT JOIN scheduler_chair c
        ON c.id = %(chair)s AND c.unit_id IN (SELECT id FROM scheduler_unit WHERE center_id = e.id)
    LEFT JOIN scheduler_unit u ON u.id = c.unit_id
    LEFT JOIN scheduler_patient p ON p.id = %(patient)s AND EXISTS (
        SELECT 1 FROM scheduler_registration g WHERE g.patient_id = p.id AND g.center_id = e.id)
    LEFT JOIN scheduler_protocol r
        ON r.id = %(protocol)s AND r.published_at IS NOT NULL AND (r.center_id IS NULL OR r.center_id = e.id)
    WHERE e.id = %(center)s"""
