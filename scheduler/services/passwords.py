"""Which passwords are refused, all offline. Length is what counts; no rules of composition (ASVS 5.0, 6.2).

Three lists: Django's 20,000 most frequent passwords of public breaches, zxcvbn's 30,000 from breaches with names,
English words, keyboard walks, dates and repetitions built from them, and the words of this place. The full list of
known breaches (hundreds of millions) comes in no package that is kept up, and asking a server about it would not be
offline: a rare password that leaked elsewhere is not recognised.
"""

from __future__ import annotations

import re
import threading
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from zxcvbn import zxcvbn

from scheduler.models import Center

LONGEST = 128
# 10^8 guesses and more, which zxcvbn calls safe against guessing a salted slow hash for a while.
ENOUGH = 3
_LOOKED_AT = 72  # zxcvbn's own limit; its time grows with the square of the length
_LETTERS_OF_HER_OWN = 6
_HERE = ("infusion", "infusions", "migraine", "clinic", "center", "centre", "chair", "nurse", "scheduler", "schedule")
# zxcvbn keeps the words of the place in a global of its own.
_one_at_a_time = threading.Lock()


class NotTooLong:
    """A bound, so that nobody lets the server hash megabytes."""

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > LONGEST:
            raise ValidationError(_("A password has at most %(most)s characters.") % {"most": LONGEST}, "too_long")

    def get_help_text(self) -> str:
        return _("At most %(most)s characters.") % {"most": LONGEST}


class NotGuessable:
    """Refuses what a guesser tries first: leaked passwords, words, names, walks on the keyboard, this place's words,
    also with a year, capitals or digits around them."""

    def validate(self, password: str, user: Any = None) -> None:
        words = _words(user)
        with _one_at_a_time:
            score = zxcvbn(password[:_LOOKED_AT], user_inputs=words)["score"]
        if score < ENOUGH or _is_of_here(password, words):
            raise ValidationError(
                _("This password is easy to guess, or known from a breach. Three or four unrelated words are better."),
                "guessable",
            )

    def get_help_text(self) -> str:
        return _("Nothing that is easy to guess: no name, no word of this place, no password known from a breach.")


def _is_of_here(password: str, words: list[str]) -> bool:
    """Whether little is left of it without this place's words, digits and signs. To zxcvbn two such words with a year
    are 10^8 guesses; who tries one password at many accounts begins with exactly these."""
    rest = password.lower()
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, " ")
    return sum(sign.isalpha() for sign in rest) < _LETTERS_OF_HER_OWN


def _words(user: Any) -> list[str]:
    """Words of the center and of the person, each by itself and as written."""
    texts = [text for row in Center.objects.values_list("name", "mail_name", "code") for text in row]
    if user is not None:
        texts += [user.get_username(), user.first_name, user.last_name, user.email]
    words = {part.lower() for text in texts for part in [text, *re.split(r"\W+", text)] if len(part) > 2}
    return [*_HERE, *sorted(words)]
