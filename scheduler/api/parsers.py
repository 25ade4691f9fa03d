"""JSON bodies of bounded size. What can't be read is the caller's mistake (400), never a 500."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

BIGGEST_BODY = 1024 * 1024  # bytes; a course with 60 placements needs less than a hundredth of it


class TooLarge(APIException):
    status_code = 413
    default_code = "too_large"
    default_detail = _("The body is larger than 1 MiB.")


class LengthNeeded(APIException):
    """Without it the framework would take a chunked body for an empty one, and act on defaults."""

    status_code = 411
    default_code = "length_required"
    default_detail = _("Send the body with its Content-Length.")


class JsonParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        raw = stream.read(BIGGEST_BODY + 1)
        if len(raw) > BIGGEST_BODY:
            raise TooLarge
        try:
            return json.loads(raw.decode("utf-8"), parse_constant=_no_such_number, object_pairs_hook=_each_name_once)
        except (ValueError, RecursionError) as wrong:
            raise ParseError(_("The body is not JSON that can be read here.")) from wrong


def _no_such_number(name: str) -> Any:
    raise ValueError(name)


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # which of two starts was meant can't be guessed
        raise ValueError("a name stands twice")
    return found
