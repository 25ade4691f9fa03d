"""No secret stands in the repository; what protects the service comes from the environment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("scheduler", "infusion_center", "fixtures", "docs", "tests", ".ci")
KINDS = {".py", ".json", ".md", ".html", ".txt", ".js", ".css", ".yml", ".toml", ".in", ".sh", ".cfg", ".example", ""}
# What secrets look like wherever they stand.
LOOKS: dict[str, str] = {
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "AWS key": r"\bAKIA[0-9A-Z]{16}\b",
    "GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36}\b",
    "Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "JSON web token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    "our own key": r"\bick_[\w-]{43}\b",
    "Django's insecure key": r"django-insecure-",
    "address with a password": r"\b(?:postgres(?:ql)?|rediss?|smtps?)://[^\s:@/'\"{$]+:[^\s@/'\"{$]+@",
}
# Literals that are given to a name that means a secret; only in what runs.
ASSIGNED = re.compile(
    r"(?i)\b(?:secret|secret_key|password|passwd|token|api_key|private_key)\b[\"']?\s*[=:]\s*[\"'](?P<value>[^\"'{}$]{6,})[\"']"
)
# Not secrets: what forms and messages call their fields, and the demo of DEBUG=1.
HARMLESS = re.compile(r"^[a-z_ -]+$|^<|^%|\.html$|^debug-only-$|^[A-Z_]+$")


def files(*parts: str) -> list[Path]:
    found = [path for part in parts for path in (ROOT / part).rglob("*") if path.is_file()]
    found += [path for path in ROOT.iterdir() if path.is_file()]
    return [path for path in found if path.suffix in KINDS and "__pycache__" not in path.parts and path.name != ".env"]


@pytest.mark.parametrize("name", LOOKS)
def test_nothing_in_the_repository_looks_like_a_secret(name: str) -> None:
    looks = re.compile(LOOKS[name])
    found = []
    for path in files(*PARTS):
        if path == Path(__file__).resolve():
            continue
        for match in looks.finditer(path.read_text(errors="replace")):
            if not ("tests" in path.parts and "address" in name):  # tests show what a refused address must not show
                found.append((str(path.relative_to(ROOT)), match[0][:12]))
    assert found == []


def test_no_secret_is_written_into_the_code_that_runs() -> None:
    found = []
    for path in files("scheduler", "infusion_center", "fixtures"):
        if path.suffix in (".md", ".txt"):
            continue
        for match in ASSIGNED.finditer(path.read_text(errors="replace")):
            if not HARMLESS.search(match["value"]):
                found.append((str(path.relative_to(ROOT)), match[0][:40]))
    assert found == []


def test_the_example_of_the_environment_leaves_secrets_empty() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    secret = [line for line in lines if re.match(r"(SECRET_KEY|POSTGRES_PASSWORD)=", line)]
    assert len(secret) == 2
    assert all(line.split("#")[0].strip().endswith("=") for line in secret), secret


def test_git_and_images_leave_the_secrets_of_a_machine_out() -> None:
    ignored = {line.strip().strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    assert {".env", "var"} <= ignored
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"  # nothing but what is named below gets into an image
    taken = {line[1:].strip("/") for line in lines if line.startswith("!")}
    assert taken & {".env", "var", ".git", "tests", ".venv"} == set()
