"""The container files against the code, as far as that can be done without an engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def test_everything_the_service_needs_is_a_container(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"migrate", "web", "worker", "beat", "postgres", "broker", "mail"}


def test_what_waits_for_health_waits_for_something_with_a_health_check(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in services.values():
        for name, wait in service.get("depends_on", {}).items():
            if wait["condition"] == "service_healthy":
                assert "test" in services[name]["healthcheck"]
            else:
                assert services[name]["restart"] == "no"  # it ends, so "completed" can become true


def test_volumes_are_declared(compose: dict[str, Any]) -> None:
    used = {volume.split(":")[0] for service in compose["services"].values() for volume in service.get("volumes", [])}
    assert used == set(compose["volumes"])


def test_every_setting_in_the_containers_is_one_that_something_reads(compose: dict[str, Any]) -> None:
    settings = (ROOT / "infusion_center" / "settings.py").read_text()
    known = set(re.findall(r'_(?:text|flag|number|list|rate|database)\("([A-Z_]+)"', settings))
    assert set(compose["services"]["web"]["environment"]) <= known | {"FORWARDED_ALLOW_IPS"}


def test_only_migrations_sign_in_as_the_owner_of_the_tables(compose: dict[str, Any]) -> None:
    services = compose["services"]
    owner = services["postgres"]["environment"]["POSTGRES_USER"]
    told = {name for name, one in services.items() if "MIGRATION_DATABASE_URL" in one.get("environment", {})}
    assert told == {"migrate"}
    assert services["migrate"]["environment"]["MIGRATION_DATABASE_URL"].startswith(f"postgresql://{owner}:")
    for name in ("migrate", "web", "worker", "beat"):
        assert not services[name]["environment"]["DATABASE_URL"].startswith(f"postgresql://{owner}:")


def test_variables_of_the_containers_are_explained_in_the_example(compose: dict[str, Any]) -> None:
    text = re.sub(r"#.*", "", (ROOT / "docker-compose.yml").read_text())
    used = set(re.findall(r"\$\{([A-Z_]+)", text))
    explained = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert used == explained


def test_no_secret_has_a_value_in_a_file_that_is_committed(compose: dict[str, Any]) -> None:
    secrets = r"^(?:SECRET_KEY|POSTGRES_PASSWORD|OWNER_PASSWORD)=(.+)"
    assert re.findall(secrets, (ROOT / ".env.example").read_text(), re.MULTILINE) == []
    assert compose["services"]["web"]["environment"]["SECRET_KEY"].startswith("${SECRET_KEY:?")


def test_only_loopback_is_published(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_image_copies_what_exists_and_leaves_its_root() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    wanted = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert {"infusion_center", "scheduler", "fixtures", "manage.py", "requirements.txt"} <= set(wanted)
    assert all((ROOT / path).exists() for path in wanted)
    assert "--require-hashes" in dockerfile
    assert re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE)[-1] == "scheduler"
