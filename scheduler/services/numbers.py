"""Phone numbers as providers of text messages want them: E.164, such as +12125550100."""

from __future__ import annotations

import phonenumbers


def e164(phone: str, *, country: str) -> str | None:
    """The number as it is dialled from anywhere; `country` (ISO 3166) is whose numbers are written without +. None for
    what is no number that could exist there."""
    try:
        number = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number) or number.extension:
        return None  # an extension is a desk's, behind an exchange
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
