"""What a provider of text messages is to this service: one call, and three ways to fail (docs/text-messages.md).

The setting SMS_BACKEND names a class that is made without arguments and has `send`. Empty: there are no texts here.
"""

from __future__ import annotations

import re
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string


class Provider(Protocol):
    """Made once for each tick of the job; it reads its own settings. Nothing it logs may hold the number or the
    text."""

    def send(self, to: str, text: str, stable_id: str) -> str:
        """Send `text` to the E.164 number `to`, and return the provider's id of it (at most 120 signs).

        `stable_id` (32 hex signs) is the same for every try of one message: a provider that knows idempotency keys
        gets it as one, so that a try after a crash is no second text. Gives up after at most 10 seconds: a stall holds
        up all other texts. Raises AgainSoon, AgainLater or Never; anything else is taken for AgainLater where it is
        an OSError (a network's failure), and for AgainSoon where it isn't.
        """
        ...


class TextProblem(Exception):
    """`code` is the provider's own, such as 21211: shown to the staff and logged, so never its words, which may quote
    the number."""

    def __init__(self, code: str = "") -> None:
        self.code = re.sub(r"[^A-Za-z0-9_.-]", "", code)[:20]
        super().__init__(self.code)


class AgainSoon(TextProblem):
    """This number doesn't take it just now; others go on."""


class AgainLater(TextProblem):
    """The provider takes nothing just now: down, too busy, or our account. All texts wait for the next tick."""


class Never(TextProblem):
    """This text will never be taken, and it says nothing about the number: somebody calls."""


class NoSuchNumber(Never):
    """There is no such number, or it takes no texts: it is used no more, as an address that bounced."""


class HasStopped(Never):
    """She answered STOP to the provider: honoured as if she had pressed our own button."""


def is_on() -> bool:
    """Whether texts can leave at all."""
    return bool(settings.SMS_BACKEND)


def make() -> Provider:
    """The provider of this installation. Raises ImportError where the setting names none."""
    provider: Provider = import_string(settings.SMS_BACKEND)()
    return provider
