"""run_job and issue_api_key at the command line: one clear line, and exit 2 for a wrong argument."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from scheduler.models import ApiKey, Event, Membership
from scheduler.services import api_keys
from scheduler.services.jobs import JOBS
from tests import factories as make
from tests.support.clinic import Clinic

pytestmark = pytest.mark.django_db


class TestRunJob:
    def run(self, *arguments: str) -> dict:
        out = io.StringIO()
        call_command("run_job", *arguments, stdout=out)
        assert out.getvalue().count("\n") == 1
        return json.loads(out.getvalue())

    @pytest.mark.parametrize("name", JOBS)
    def test_each_job_prints_one_json_line(self, name):
        assert self.run(name)["job"] == name

    def test_runs_at_the_time_that_is_given(self):
        Clinic().quarterly_course()
        assert self.run("place-visits", "--now", "2026-11-16T10:00-05:00") == {
            "job": "place-visits",
            "now": "2026-11-16T15:00:00+00:00",
            "placed": 4,
        }

    @pytest.mark.parametrize(
        "arguments",
        [["nothing"], ["place-visits", "--now", "tomorrow"], ["place-visits", "--now", "2026-11-16T10:00"]],
    )
    def test_a_wrong_argument_is_one_line_and_exit_2(self, arguments):
        with pytest.raises(CommandError) as refused:
            call_command("run_job", *arguments)
        assert refused.value.returncode == 2
        assert "\n" not in str(refused.value)


class TestIssueApiKey:
    def issue(self, **values: str) -> str:
        out = io.StringIO()
        options = {"name": "Lab system", "center": "demo", "role": "integration"} | values
        call_command("issue_api_key", stdout=out, **options)
        return out.getvalue()

    def test_prints_one_key_and_nothing_else_and_keeps_its_hash_only(self):
        center = make.make_center(code="demo")
        [key] = self.issue().splitlines()
        assert key.startswith(api_keys.MARK)
        assert len(key) > 40
        row = ApiKey.objects.get()
        assert row.key_hash == api_keys.hash_of(key)
        assert key.startswith(row.prefix)
        assert key not in str(ApiKey.objects.values().get())
        assert Membership.objects.get().center == center
        assert Event.objects.get(verb="issue-key").after == {
            "center": center.pk,
            "role": "integration",
            "scopes": ["book", "export", "read-clinical", "read-patients", "read-schedule"],
        }

    def test_scopes_narrow_what_the_role_may(self):
        make.make_center(code="demo")
        self.issue(scope=["read-schedule", "book"])
        assert ApiKey.objects.get().scopes == ["book", "read-schedule"]

    def test_a_revoked_key_is_named_and_another_is_one_line_and_exit_2(self):
        make.make_center(code="demo")
        out = io.StringIO()
        call_command("revoke_api_key", self.issue().strip(), stdout=out)
        assert out.getvalue() == "“Lab system” is revoked.\n"
        assert ApiKey.objects.get().revoked_at is not None
        with pytest.raises(CommandError) as refused:
            call_command("revoke_api_key", "ick_nothing")
        assert refused.value.returncode == 2

    def test_no_two_keys_are_alike(self):
        make.make_center(code="demo")
        assert self.issue() != self.issue()

    @pytest.mark.parametrize(
        "wrong", [{"center": "elsewhere"}, {"role": "king"}, {"name": " "}, {"scope": ["x"]}, {"scope": ["set-up"]}]
    )
    def test_a_wrong_argument_is_one_line_and_exit_2_and_no_key(self, wrong):
        make.make_center(code="demo")
        with pytest.raises(CommandError) as refused:
            self.issue(**wrong)
        assert refused.value.returncode == 2
        assert ApiKey.objects.count() == 0
