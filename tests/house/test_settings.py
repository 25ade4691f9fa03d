"""A malformed setting stops the start with one clear line and exit code 2; the defaults are safe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHOW = (
    "import json; from infusion_center import settings;"
    "print(json.dumps({name: getattr(settings, name, None) for name in %r}, default=str))"
)


def run(tmp_path: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    base = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "SECRET_KEY": "long-random-text-0123456789" * 2}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={name: value for name, value in {**base, **environment}.items() if value != "(unset)"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def show(tmp_path: Path, *names: str, **environment: str) -> dict[str, Any]:
    done = run(tmp_path, "-c", SHOW % (names,), **environment)
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "８０００"),
        ("DEBUG", "maybe"),
        ("WEB_CONCURRENCY", "many"),
        ("API_RATE", "600"),
        ("API_RATE", "0/min"),
        ("API_RATE", "many/min"),
        ("WEB_CONCURRENCY", "2"),  # on SQLite
        ("DATABASE_URL", "mysql://localhost/scheduler"),
        ("DATABASE_URL", "postgresql://localhost"),
        ("DATABASE_URL", "postgresql://localhost:port/scheduler"),
        ("MIGRATION_DATABASE_URL", "sqlite:///elsewhere.db"),
        ("MIGRATION_DATABASE_URL", "postgresql://owner@db/scheduler"),  # beside SQLite
        ("REDIS_URL", "http://localhost"),
        ("EMAIL_URL", "mail.example.org:25"),
        ("SMS_BACKEND", "Provider"),
        ("SMS_BACKEND", "nowhere.texts.Provider"),
        ("SMS_BACKEND", "scheduler.services.text_outbox.Nothing"),
        ("EMAIL_URL", "smtp://"),
        ("BASE_URL", "scheduler.example.org"),
        ("BASE_URL", "https://scheduler.example.org/path"),
        ("BASE_URL", "https://"),
        ("ALLOWED_HOSTS", "https://scheduler.example.org"),
        ("TRUSTED_PROXIES", "10.0.0.0/99"),
        ("SECRET_KEY", "(unset)"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "ababab" * 20),
        ("DATA_DIR", "/dev/null/var"),
    ],
)
def test_a_malformed_value_stops_the_start_with_one_line(tmp_path: Path, name: str, value: str) -> None:
    done = run(tmp_path, "manage.py", "check", **{name: value})
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"{name}: ")
    assert done.stderr.count("\n") == 1


def test_a_refused_address_does_not_show_its_password(tmp_path: Path) -> None:
    done = run(tmp_path, "manage.py", "check", DATABASE_URL="oracle://scott:tiger@localhost/db")
    assert done.returncode == 2
    assert "tiger" not in done.stderr


def test_the_defaults_are_safe(tmp_path: Path) -> None:
    shown = show(tmp_path, "DEBUG", "X_FRAME_OPTIONS", "SECURE_REFERRER_POLICY", "DATABASES")
    assert shown["DEBUG"] is False
    assert shown["X_FRAME_OPTIONS"] == "DENY"
    assert shown["SECURE_REFERRER_POLICY"] == "same-origin"
    assert shown["DATABASES"]["default"]["NAME"] == str(tmp_path / "scheduler.db")
    assert shown["DATABASES"]["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


@pytest.mark.parametrize(("scheme", "secure"), [("http", False), ("https", True)])
def test_the_scheme_of_the_address_decides_cookies_and_hsts(tmp_path: Path, scheme: str, secure: bool) -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS")
    shown = show(tmp_path, *names, BASE_URL=f"{scheme}://scheduler.example.org")
    assert {name: bool(value) for name, value in shown.items()} == dict.fromkeys(names, secure)


def test_deployment_checks_are_clean_over_https(tmp_path: Path) -> None:
    done = run(
        tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING", BASE_URL="https://scheduler.example.org"
    )
    assert done.returncode == 0, done.stderr


def test_postgresql_waits_three_seconds_for_a_lock(tmp_path: Path) -> None:
    shown = show(tmp_path, "DATABASES", DATABASE_URL="postgresql://scheduler@db/scheduler", WEB_CONCURRENCY="4")
    options = shown["DATABASES"]["default"]["OPTIONS"]["options"]
    assert "lock_timeout=3000" in options
    assert "read\\ committed" in options


def test_mail_goes_to_files_unless_a_server_is_named(tmp_path: Path) -> None:
    names = ("EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD")
    assert show(tmp_path, *names)["EMAIL_BACKEND"].endswith("eml.EmailBackend")
    shown = show(tmp_path, *names, EMAIL_URL="smtp+tls://clinic:p%40ss@mail.example.org")
    assert list(shown.values())[1:] == ["mail.example.org", 587, True, "clinic", "p@ss"]


def test_commands_beside_a_running_service_find_its_secret_and_its_broker(tmp_path: Path) -> None:
    (tmp_path / "secret-key").write_text("kept-by-serve-a-long-random-text-0123456789\n")
    (tmp_path / "broker").mkdir()
    (tmp_path / "broker" / "url").write_text("redis://:secret@127.0.0.1:12345/0\n")
    shown = show(tmp_path, "SECRET_KEY", "REDIS_URL", SECRET_KEY="(unset)")
    assert shown == {
        "SECRET_KEY": "kept-by-serve-a-long-random-text-0123456789",
        "REDIS_URL": "redis://:secret@127.0.0.1:12345/0",
    }


@pytest.mark.parametrize("owner", ["postgresql://scheduler@db/scheduler", "postgresql://owner@db/another"])
def test_the_owner_is_another_role_of_the_same_database(tmp_path: Path, owner: str) -> None:
    service = "postgresql://scheduler@db/scheduler"
    done = run(tmp_path, "manage.py", "check", DATABASE_URL=service, MIGRATION_DATABASE_URL=owner)
    assert done.returncode == 2
    assert done.stderr.startswith("MIGRATION_DATABASE_URL: ")


@pytest.mark.parametrize(
    ("environment", "backend"),
    [
        ({}, "scheduler.services.text_outbox.Outbox"),  # the demo's
        ({"SMS_BACKEND": "off"}, ""),
        ({"EMAIL_URL": "smtp://mail:25"}, ""),
        (
            {"EMAIL_URL": "smtp://mail:25", "SMS_BACKEND": "scheduler.services.text_outbox.Outbox"},
            "scheduler.services.text_outbox.Outbox",
        ),
    ],
)
def test_texts_are_off_where_mail_leaves_until_a_provider_is_named(tmp_path, environment, backend):
    assert show(tmp_path, "SMS_BACKEND", **environment) == {"SMS_BACKEND": backend}
