"""The shipped library: its figures as the clinical facts have them, each with its source beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).parents[2] / "fixtures" / "protocols.json"
LIBRARY = json.loads(FILE.read_text(encoding="utf-8"))
ROWS: dict[str, dict[str, Any]] = {row["code"]: row for row in LIBRARY["protocols"]}
TAG = re.compile(r"\[(?:S:(?P<key>\w+)|O|G|P)\]")

FIGURES = (
    "cadence_every",
    "cadence_within_day",
    "doses",
    "days",
    "default_doses",
    "prep_minutes",
    "visit_minutes",
    "observation_minutes",
    "turnover_minutes",
    "first_visits",
    "first_prep_minutes",
    "first_visit_minutes",
    "first_observation_minutes",
    "window_before",
    "window_after",
    "tolerance_before",
    "tolerance_after",
    "min_interval",
    "caps",
    "dose_mg",
    "acuity",
    "first_acuity",
    "needs_driver",
    "needs_bed",
    "keeps_chair",
)


def chair_time(code: str, *, first: bool = False) -> int:
    row = ROWS[code]
    lengths = [row[f"{part}_minutes"] for part in ("prep", "visit", "observation", "turnover")]
    if first:
        for place, part in enumerate(("prep", "visit", "observation")):
            lengths[place] = row.get(f"first_{part}_minutes", lengths[place])
    return sum(lengths)


@pytest.mark.parametrize("code", ROWS)
def test_every_figure_has_its_source_beside_it(code: str) -> None:
    row = ROWS[code]
    # One visit has no cadence and no default to speak of; its number of doses says so.
    known = {"default_doses", "caps"} if row["cadence_kind"] == "once" else {"caps"}
    without = [name for name in FIGURES if row.get(name) and name not in row["sources"] and name not in known]
    assert without == []
    for figure in (*row.get("caps", []), *row["components"], *row["checklist"]):
        assert TAG.search(figure["source"]), figure
    assert all(TAG.search(source) for name, source in row["sources"].items() if name != "caps")


def test_every_source_key_is_explained() -> None:
    used = {match["key"] for match in TAG.finditer(FILE.read_text(encoding="utf-8")) if match["key"]}
    assert used - {"key"} == set(LIBRARY["source_key"])


def test_the_library_holds_what_the_owner_asked_for() -> None:
    assert set(ROWS) == {
        "eptinezumab-quarterly",
        "eptinezumab-quarterly-observed",
        "dhe-q8h",
        "dhe-bid",
        "rescue-minimal",
        "rescue-standard",
        "rescue-extended",
        "rescue-metoclopramide",
        "rescue-prochlorperazine",
        "rescue-ketorolac",
        "rescue-dexamethasone",
        "rescue-magnesium",
        "rescue-fluids",
        "infusion-monthly",
    }


def test_quarterly_eptinezumab_takes_thirty_minutes_and_nothing_around_them() -> None:
    assert chair_time("eptinezumab-quarterly") == 30
    row = ROWS["eptinezumab-quarterly"]
    assert (row["cadence_kind"], row["cadence_every"], row["cadence_unit"]) == ("calendar", 3, "months")
    assert (row["counts_in"], row["window_before"], row["window_after"]) == ("days", 5, 7)
    assert (row["min_interval"], row["default_doses"], row["may_be_open_ended"]) == (84, 4, True)


def test_observed_eptinezumab_has_the_full_chair_time() -> None:
    assert chair_time("eptinezumab-quarterly-observed", first=True) == 125
    assert chair_time("eptinezumab-quarterly-observed") == 95
    assert ROWS["eptinezumab-quarterly-observed"]["first_visits"] == 2


def test_no_monthly_eptinezumab_is_shipped() -> None:
    monthly = [row for row in ROWS.values() if (row.get("cadence_every"), row.get("cadence_unit")) == (1, "months")]
    assert [row["code"] for row in monthly] == ["infusion-monthly"]
    assert "substance" not in monthly[0]
    assert "eptinezumab" not in json.dumps(monthly[0]).lower()


def test_dhe_takes_160_minutes_first_and_125_to_the_end_of_observation_after() -> None:
    assert chair_time("dhe-q8h", first=True) == 160
    assert chair_time("dhe-q8h") - ROWS["dhe-q8h"]["turnover_minutes"] == 125
    assert ROWS["dhe-q8h"]["doses"] == [3, 6, 9]
    assert ROWS["dhe-q8h"]["days"] == {"1": 3, "2": 6, "3": 9}


def test_dhe_as_shipped_stays_inside_the_label() -> None:
    a_day, a_week = 3, 9  # doses of a three-day course at most
    assert float(ROWS["dhe-q8h"]["dose_mg"]) * a_day <= 2
    assert float(ROWS["dhe-q8h"]["dose_mg"]) * a_week <= 6
    assert float(ROWS["dhe-bid"]["dose_mg"]) * 2 == 2
    assert float(ROWS["dhe-bid"]["dose_mg"]) * max(ROWS["dhe-bid"]["doses"]) == 6


@pytest.mark.parametrize("code", ["dhe-q8h", "dhe-bid"])
def test_the_label_can_be_attested_away_and_the_policy_cannot(code: str) -> None:
    caps = {(cap["counts"], cap["limit"], cap["within_minutes"]): cap["attestable"] for cap in ROWS[code]["caps"]}
    assert caps == {("doses", 3, 23 * 60): False, ("mg", 2, 24 * 60): True, ("mg", 6, 7 * 24 * 60): True}


def test_twice_a_day_fits_a_day_suite_and_is_not_called_every_eight_hours() -> None:
    row = ROWS["dhe-bid"]
    assert row["cadence_within_day"] == [0, 440]
    assert not row["keeps_chair"]
    assert "8" not in row["name"] + row["short_name"]


@pytest.mark.parametrize(
    ("code", "minutes"), [("rescue-minimal", 90), ("rescue-standard", 135), ("rescue-extended", 215)]
)
def test_rescue_cocktails_take_the_chair_time_of_the_clinical_facts(code: str, minutes: int) -> None:
    assert chair_time(code) == minutes


@pytest.mark.parametrize("code", [code for code in ROWS if code != "infusion-monthly"])
def test_the_components_fit_into_the_visit(code: str) -> None:
    row = ROWS[code]
    one_after_the_other = sum(part["minutes"] for part in row["components"] if not part.get("parallel"))
    assert 0 < one_after_the_other <= row["visit_minutes"]
    if code in ("rescue-minimal", "rescue-standard", "rescue-extended"):
        assert one_after_the_other == row["visit_minutes"]


def test_additions_that_the_owner_does_not_name_say_so() -> None:
    added = [
        part for row in ROWS.values() for part in row["components"] if part["name"] in ("Diphenhydramine", "Valproate")
    ]
    assert added
    assert all("texts don't name" in part["source"] for part in added)


def test_single_medications_take_at_least_half_an_hour() -> None:
    singles = ("metoclopramide", "prochlorperazine", "ketorolac", "dexamethasone", "magnesium", "fluids")
    assert all(ROWS[f"rescue-{name}"]["visit_minutes"] >= 30 for name in singles)


def test_acute_visits_need_a_driver_and_eptinezumab_alone_does_not() -> None:
    acute = [row for code, row in ROWS.items() if code.startswith(("rescue", "dhe"))]
    assert all(row["needs_driver"] for row in acute)
    assert not any(ROWS[code].get("needs_driver") for code in ROWS if code.startswith("eptinezumab"))


def test_every_treatment_asks_about_reactions_or_the_triptan_day() -> None:
    for code, row in ROWS.items():
        asked = {item["code"] for item in row["checklist"]}
        assert asked & {"reaction-before", "hypersensitivity", "triptan-24h"}, code


def test_the_documentation_has_the_same_chair_times() -> None:
    text = (FILE.parents[1] / "docs" / "protocols.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| `([\w-]+)` \|.* = \*\*(\d+)\*\*", text, re.MULTILINE))
    assert {code: int(minutes) for code, minutes in table.items()} == {code: chair_time(code) for code in ROWS}
