"""How a log line is written: one line of what happened, never whom it happened to.

Libraries log on their own: a refused request with its whole address, a failure with the row that broke a constraint.
What they say passes through here on its way out, so that no name, token or search gets into a log, whoever wrote it.
"""

from __future__ import annotations

import logging
import re
import time
import traceback
from types import TracebackType
from typing import TypeAlias

from scheduler.services.failures import describe

# What follows a question mark in an address; a question mark before a blank ends a sentence.
_QUERY = re.compile(r"\?[^\s'\"<>]+")
# A part of a path that no person wrote: tokens of links, keys of sessions. Ids, dates and codes are shorter.
_TOKEN = re.compile(r"(?<=/)(?=[\w:=-]*\d)[\w:=-]{20,}")
_LINK = re.compile(r"(?<=/v/)[^/\s?'\"]+")  # of a patient's link: letters only
_KEY = re.compile(r"\bick_[\w-]+")
# How PostgreSQL and SQLite quote what stood in a row.
_ROW = re.compile(r"(?im)^(DETAIL|CONTEXT|HINT|LINE \d+):.*$|Key \(.*?\)=\(.*?\)")

_Failure: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def clean(text: str) -> str:
    """`text` without queries of addresses, tokens in paths, keys of integrators and values of rows."""
    text = _QUERY.sub("?…", text)
    text = _TOKEN.sub("…", text)
    text = _LINK.sub("…", text)
    text = _KEY.sub("ick_…", text)
    return _ROW.sub("…", text)


class Line(logging.Formatter):
    """Cleans what is said, and tells of a failure its class and where it was, never its words or anybody's values.
    Times are UTC, whatever the machine's zone: lines of several machines can be put in order."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        # Celery hands over the failure's words as arguments of its message; the traceback tells enough without them.
        problem = record.exc_info[1] if record.exc_info else None
        if problem is not None and record.name.startswith("celery"):
            record = logging.makeLogRecord(record.__dict__)
            record.msg, record.args = f"{record.levelname}: {describe(problem)}", None
        if getattr(record, "status_code", None) == 404:
            # What was asked for is nothing of ours: somebody's own words, perhaps an MRN in the place of an id.
            record = logging.makeLogRecord(record.__dict__)
            record.msg, record.args = "Not Found", None
        record.exc_text = None  # another handler may have kept one with words in it
        return clean(super().format(record)).replace("\r", " ")

    def formatMessage(self, record: logging.LogRecord) -> str:
        # Whoever can get a line break into a log can write lines of her own.
        return super().formatMessage(record).replace("\n", " ")

    def formatException(self, ei: _Failure) -> str:
        problem: BaseException | None = ei[1]
        lines: list[str] = []
        seen: set[int] = set()
        while problem is not None and id(problem) not in seen:
            seen.add(id(problem))
            lines += [f"  {type(problem).__module__}.{type(problem).__qualname__}", *_frames(problem.__traceback__)]
            problem = problem.__cause__ or problem.__context__
        return "\n".join(lines)


def _frames(trace: TracebackType | None) -> list[str]:
    return [f"    {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(trace)]
