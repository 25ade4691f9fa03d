"""What gets into a log line: nothing from a query, no token, none of a failure's words."""

from __future__ import annotations

import json
import logging
import re
import sys
from pathlib import Path

import pytest

from scheduler.services.logs import Line, clean

ROOT = Path(__file__).resolve().parents[2]


def written(message: str, *args: object, exc_info: object = None, name: str = "django.request") -> str:
    info = sys.exc_info() if exc_info is True else exc_info
    record = logging.LogRecord(name, logging.ERROR, __file__, 1, message, args, info)  # type: ignore[arg-type]
    return Line("{levelname} {name}: {message}", style="{").format(record)


def test_queries_and_tokens_are_cut_out_of_addresses():
    assert written("Not Found: %s", "/book/?patient=Rivera&q=1985") == "ERROR django.request: Not Found: /book/?…"
    assert "7xk2" not in written("Not Found: %s", "/reset/MQ/c9x4gh-7xk2ab0d5fe11a2b3c4d/")
    assert "ick_" in written("refused ick_8sKd21AbXyZ")
    assert "8sKd21AbXyZ" not in written("refused ick_8sKd21AbXyZ")
    assert clean("Why not? Ask /courses/109/pause/.") == "Why not? Ask /courses/109/pause/."


def test_an_address_that_there_is_not_is_not_repeated():
    record = logging.LogRecord(
        "django.request", logging.WARNING, __file__, 1, "%s: %s", ("Not Found", "/patients/204116/"), None
    )
    record.status_code = 404
    assert Line("{message}", style="{").format(record) == "Not Found"
    assert record.getMessage() == "Not Found: /patients/204116/", "another handler's record is left alone"


def test_a_failure_tells_class_and_place_and_none_of_its_words():
    try:
        try:
            raise KeyError("Rivera, born 1985-03-14")
        except KeyError as inner:
            raise ValueError("Key (mrn)=(204 116) already exists") from inner
    except ValueError:
        text = written("Internal Server Error: %s", "/patients/new/", exc_info=True)
    for word in ("Rivera", "1985", "204 116", "mrn"):
        assert word not in text
    assert "builtins.ValueError" in text
    assert "builtins.KeyError" in text
    assert re.search(r"test_logs\.py:\d+ in test_a_failure", text)


def test_a_failed_task_does_not_tell_its_words_either():
    try:
        raise ValueError("Rivera")
    except ValueError as problem:
        args = ({"name": "scheduler.place_visits", "exc": repr(problem), "traceback": "… Rivera …"},)
        text = written("Task %(name)s raised: %(exc)s\n%(traceback)s", *args, exc_info=True, name="celery.app.trace")
    assert "Rivera" not in text
    assert "ValueError in test_logs.py" in text


def test_a_kept_traceback_of_another_handler_is_not_repeated():
    try:
        raise ValueError("Rivera")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    logging.Formatter().format(record)
    assert record.exc_text is not None
    assert "Rivera" in record.exc_text
    assert "Rivera" not in Line("{message}", style="{").format(record)


def test_values_of_rows_that_a_database_quotes_are_cut():
    assert "204" not in clean("duplicate\nDETAIL:  Key (center_id, mrn)=(1, 204 116) already exists.")


def test_a_line_says_its_time_in_utc_whatever_the_zone_of_the_machine():
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "said", (), None)
    record.created, record.msecs = 1_795_000_000.25, 250
    assert Line("{asctime} {message}", style="{").format(record) == "2026-11-18T11:06:40.250Z said"


def test_nobody_writes_log_lines_of_her_own():
    assert "\n" not in written("Not Found: %s", "/x\n2026-11-24 INFO forged")


def test_every_handler_of_the_service_writes_such_lines(settings):
    logging_settings = settings.LOGGING
    assert logging_settings["formatters"]["line"]["()"] == "scheduler.services.logs.Line"
    assert {handler["formatter"] for handler in logging_settings["handlers"].values()} == {"line"}


@pytest.mark.parametrize("file", ["scheduler/management/commands/serve.py", "Dockerfile"])
def test_the_web_server_writes_no_access_log(file):
    assert '"--no-access-log"' in (ROOT / file).read_text()


def test_uvicorns_own_access_log_stays_silent_whatever_its_options(settings):
    assert settings.LOGGING["loggers"]["uvicorn.access"] == {"handlers": [], "level": "CRITICAL", "propagate": False}
    assert json.dumps(settings.LOGGING).count("DEBUG") == 0
