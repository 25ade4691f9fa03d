"""What a failure of sending means: never again, this address later, or the whole server later."""

from __future__ import annotations

import smtplib
from enum import Enum


class Fault(Enum):
    NEVER = "never"
    ADDRESS_LATER = "this address later"
    SERVER_LATER = "the server later"


def classify(problem: Exception) -> Fault:
    """5xx about the recipient or the message is final; 4xx about them is for later; all else is the server's
    trouble (refused, timed out, hung up, busy, our sign-in), or ours, and passes."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in problem.recipients.values()]
        return Fault.NEVER if codes and all(500 <= code < 600 for code in codes) else Fault.ADDRESS_LATER
    if isinstance(problem, smtplib.SMTPDataError):
        return Fault.NEVER if 500 <= problem.smtp_code < 600 else Fault.ADDRESS_LATER
    if isinstance(problem, (smtplib.SMTPNotSupportedError, ValueError)):
        return Fault.NEVER  # the address or a header can't be written at all
    if isinstance(problem, OSError):  # smtplib's own errors are OSErrors, timeouts too
        return Fault.SERVER_LATER
    return Fault.ADDRESS_LATER


def is_an_answer(problem: Exception) -> bool:
    """Whether a mail server said it. A message that can't be written fails before anybody is asked."""
    return isinstance(problem, (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException))


def describe(problem: Exception) -> str:
    """Class and number, without the server's words: they may quote the address."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        codes = sorted({str(code) for code, _ in problem.recipients.values()})
        return f"SMTPRecipientsRefused {' '.join(codes)}"
    if isinstance(problem, smtplib.SMTPResponseException):
        return f"{type(problem).__name__} {problem.smtp_code}"
    return type(problem).__name__
