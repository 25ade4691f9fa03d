"""What docs/security/asvs.md promises and no other test shows: mostly that a dangerous thing is used nowhere."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ValidationError
from django.test import Client

from scheduler.domain.permissions import INTEGRATION, Actor
from scheduler.models import ApiKey, Patient
from scheduler.services import api_keys
from tests import factories as make
from tests.security.web_map import WEB
from tests.web.conftest import EARLY, Clinic, clinic
from tests.web.conftest import _today as _today
from tests.web.signing import is_in, later, person, sign_in

__all__ = ["clinic"]
ROOT = Path(__file__).resolve().parents[2]
SERVICE = ROOT / "scheduler"
# What runs beside the service on a machine: it starts servers, makes demo data and measures.
BESIDE = SERVICE / "management"
RANDOM_WITHOUT_SECRETS = {"random"}
DANGEROUS = {
    "pickle", "marshal", "shelve", "subprocess", "xml", "lxml", "yaml", "ldap", "urllib.request", "requests", "httpx",
    "ctypes", "jinja2",
}  # fmt: skip


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(SERVICE.rglob("*.py")):
        if BESIDE not in path.parents:
            yield path, ast.parse(path.read_text())


def test_the_service_runs_no_code_commands_or_templates_of_others_and_asks_no_other_server():
    found = []
    for path, tree in sources():
        for node in ast.walk(tree):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module}.{each.name}" for each in node.names)]
            elif isinstance(node, ast.Call):
                names = [f"{ast.unparse(node.func)}()"]
            found += [
                f"{path.name}: {name}"
                for name in names
                if name.partition(".")[0] in DANGEROUS | RANDOM_WITHOUT_SECRETS
                or name in DANGEROUS
                or name in {"eval()", "exec()", "compile()", "os.system()", "os.popen()", "Template()"}
                or name.endswith("from_string()")
            ]
    assert found == []


def test_every_pattern_is_written_in_the_code():
    """No regular expression is made of what somebody typed."""
    found = [
        f"{path.name}: {ast.unparse(node)}"
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and re.fullmatch(r"re\.\w+", ast.unparse(node.func))
        and ast.unparse(node.func) != "re.escape"
        and not isinstance(node.args[0], ast.Constant)
    ]
    assert found == []


def test_templates_escape_except_for_mails_in_plain_text():
    unescaped = {
        path.name
        for path in (SERVICE / "templates").rglob("*.*")
        # The style sheet of mails is a file of the service, put into their head as it is.
        if re.search(r"autoescape off|\|\s*safe\b|safeseq", path.read_text().replace("{{ styles|safe }}", ""))
    }
    assert all(name.endswith(".txt") for name in unescaped), unescaped


def test_scripts_keep_nothing_in_the_browser_but_one_preference():
    written = {
        match
        for path in (SERVICE / "static" / "scheduler").rglob("*.js")
        if "vendor" not in path.parts and ".min." not in path.name
        for match in re.findall(
            r"(?:localStorage|sessionStorage|indexedDB|document\.cookie)[^;\n]{0,25}", path.read_text()
        )
    }
    assert all("OFF)" in each or "scheduler-keys-" in each for each in written), written


@pytest.mark.parametrize(
    "typed", ["'; DROP TABLE scheduler_patient; --", "' OR 1=1 --", "%", "_", "\\", "a%' ESCAPE '"]
)
def test_what_looks_like_sql_is_searched_for_as_text(clinic: Clinic, typed: str):
    make.make_patient(clinic.center)
    answer = clinic.client().post("/patients/", {"q": typed})
    assert answer.status_code == 200
    assert "Rivera" not in answer.content.decode()
    key = api_keys.issue(actor=Actor.job("test"), name="x", center_code=clinic.center.code, role=INTEGRATION, now=EARLY)
    found = Client(headers={"Authorization": f"Bearer {key}"}).post(
        "/api/v1/patients/search/", {"query": typed}, content_type="application/json"
    )
    assert found.json()["results"] == []
    assert Patient.objects.count() == 1


def test_what_was_typed_is_decoded_once_and_kept_as_typed(clinic: Clinic):
    form = {"first_name": "&lt;b&gt;", "last_name": "100%25", "birth_date": "1 1 1980", "mrn": "%32"}
    clinic.client().post("/patients/new/", form)
    patient = Patient.objects.get()
    assert (patient.first_name, patient.last_name) == ("&lt;b&gt;", "100%25")
    assert "&amp;lt;b&amp;gt;" in clinic.client().get(f"/patients/{patient.pk}/").content.decode()
    assert clinic.client().get("/board/%2564ay/2026-11-24/").status_code == 404


@pytest.mark.django_db
class TestPasswords:
    @pytest.mark.parametrize(
        "good",
        [
            "lantern orbit walnut sky",
            "LANTERNORBITWALNUTSKY",
            "ланта орбита орех небо",
            "lantern orbit " * 4 + "walnut x",
        ],
    )
    def test_any_composition_and_64_signs_are_fine(self, good: str):
        validate_password(good)

    @pytest.mark.parametrize(
        "bad", ["orbit walnu", "password1234", "LakesideCenter1", "infusioncenter2026", "x7 " * 43]
    )
    def test_short_common_and_this_places_words_are_not(self, bad: str):
        make.make_center(name="Lakeside Center")
        with pytest.raises(ValidationError):
            validate_password(bad)

    @pytest.mark.parametrize(
        "typed",
        [" lantern Orbit walnut 7", "lantern orbit walnut 7 ", "lantern orbit walnut ", "lantern orbit walnut 7é"],
    )
    def test_a_password_is_compared_exactly_as_typed(self, clinic: Clinic, typed: str):
        user = person(clinic.center)
        user.set_password("lantern orbit walnut 7")
        user.save()
        assert not is_in(sign_in(user, password=typed))
        assert is_in(sign_in(user, password="lantern orbit walnut 7"))

    def test_a_password_does_not_run_out(self, clinic: Clinic):
        user = person(clinic.center)
        with later(days=3650):
            assert is_in(sign_in(user))


@pytest.mark.django_db
@pytest.mark.django_db
def test_a_new_service_has_no_accounts_and_no_keys():
    """What the migrations leave behind, before anybody has done anything."""
    assert not User.objects.exists()
    assert not ApiKey.objects.exists()


def test_a_sessions_key_has_more_than_128_random_bits(db: None):
    key = SessionStore()._get_new_session_key()
    assert len(key) >= 25  # 36 ** 25 > 2 ** 128
    assert set(key) <= set(string.ascii_lowercase + string.digits)


def test_every_page_for_who_is_signed_in_has_the_way_out(clinic: Clinic):
    client = clinic.client("manager")
    pages = 0
    for cases in WEB.values():
        for case in cases:
            if case.method != "GET" or case.needs == "open" or "{" in case.path:
                continue
            answer = client.get(case.path)
            text = answer.content.decode() if answer.status_code == 200 else ""
            if "<nav" in text:
                pages += 1
                assert "/sign-out/" in text, case.path
    assert pages > 5
