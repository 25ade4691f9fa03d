"""`manage.py load_protocols`: one line for each outcome, and the exit code that goes with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from scheduler.management.commands.load_protocols import LIBRARY
from scheduler.models import Protocol

pytestmark = pytest.mark.django_db


@pytest.fixture
def library() -> dict[str, Any]:
    return json.loads(LIBRARY.read_text(encoding="utf-8"))


def load(tmp_path: Path, content: str) -> None:
    file = tmp_path / "protocols.json"
    file.write_text(content, encoding="utf-8")
    call_command("load_protocols", str(file))


def test_the_shipped_library_is_published_whole_and_once(
    capsys: pytest.CaptureFixture[str], library: dict[str, Any]
) -> None:
    count = len(library["protocols"])
    call_command("load_protocols")
    call_command("load_protocols")
    assert capsys.readouterr().out.splitlines() == [
        f"{count} protocols published, 0 were here already.",
        f"0 protocols published, {count} were here already.",
    ]
    assert Protocol.objects.filter(center=None, published_at__isnull=False).count() == count


def test_every_shipped_protocol_can_be_read_as_the_domains_value() -> None:
    call_command("load_protocols")
    specs = {protocol.code: protocol.spec() for protocol in Protocol.objects.all()}
    assert specs["dhe-q8h"].lengths(1).prep == 60
    assert specs["dhe-q8h"].lengths(2).prep == 35
    assert specs["eptinezumab-quarterly-observed"].lengths(3).observation == 30


def test_a_changed_version_gets_one_line_with_the_fields_and_exit_1(tmp_path: Path, library: dict[str, Any]) -> None:
    call_command("load_protocols")
    library["protocols"][0]["visit_minutes"] = 31
    with pytest.raises(CommandError) as refused:
        load(tmp_path, json.dumps(library))
    assert refused.value.returncode == 1
    assert str(refused.value) == (
        "eptinezumab-quarterly v1 is here with another visit_minutes. Give the change a new version."
    )


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("{", "line 1, column 2: this is not JSON."),
        ("[]", "there is no list “protocols” in it."),
        ('{"protocols": {}}', "there is no list “protocols” in it."),
        ('{"protocols": [7]}', "1: a protocol is an object with fields."),
        ('{"protocols": [{"code": "x"}]}', "1 (x): name: it is needed."),
    ],
)
def test_a_malformed_file_gets_one_line_and_exit_2(tmp_path: Path, content: str, line: str) -> None:
    with pytest.raises(CommandError) as malformed:
        load(tmp_path, content)
    assert malformed.value.returncode == 2
    assert str(malformed.value).endswith(line)
    assert "\n" not in str(malformed.value)


def test_a_file_that_is_not_there_gets_one_line_and_exit_2(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as absent:
        call_command("load_protocols", str(tmp_path / "nothing.json"))
    assert absent.value.returncode == 2
