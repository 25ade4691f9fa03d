"""The benchmark runs through, on a scratch database of its own, with tiny counts."""

from __future__ import annotations

import io

from django.core.management import call_command


def test_measures_every_work_and_writes_the_page(tmp_path):
    page, out = tmp_path / "benchmarks.md", io.StringIO()
    call_command("benchmark", "--database", "sqlite", "--tiny", "--write", str(page), stdout=out)
    text = page.read_text()
    assert text.strip() == out.getvalue().strip()
    for work in (
        "empty authenticated view",
        "free 120-minute starts on any chair, 90 days",
        "the day schedule",
        "bookings with every rule checked, 8 clients",
        "50 clients for one slot",
        "90-day search over 24 chairs in process",
        "nothing due",
        "1 visits due",
    ):
        assert work in text
    assert "(1 answered 201, 49 answered 409)" in text
