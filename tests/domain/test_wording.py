"""What may stand in a center's own words, and that filling them in does nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain import wording

ALLOWED = ("first_name", "date", "phone")
TELLING = wording.words_of(["Eptinezumab, every 3 months", "DHE, twice a day", "Sodium chloride 0.9 %"])


def unfit(text: str, *, one_line: bool = False) -> tuple[str, str] | None:
    try:
        wording.check(text, allowed=ALLOWED, telling=TELLING, one_line=one_line)
    except wording.Unfit as problem:
        return problem.code, problem.what
    return None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello {first_name}, see you on {date}.",
        "Two\n\nparagraphs",
        "Every day, twice: 50 % off. ¿Qué tal?",
        "Adhere",
    ],
)
def test_plain_words_and_known_placeholders_pass(text):
    assert unfit(text) is None


@pytest.mark.parametrize(
    "name",
    [
        "name",
        "first_name.__class__",
        "date!r",
        "date:>1000000",
        "0",
        "",
        " date ",
        "date[0]",
        "first_name}}{{date",
        "%s",
    ],
)
def test_a_placeholder_that_is_none_is_named(name):
    assert unfit(f"Hello {{{name}}}") in {("placeholder", name), ("placeholder", ""), ("brace", "")}


@pytest.mark.parametrize("text", ["{", "}", "{date", "date}", "{{date}}", "{date}}"])
def test_a_brace_by_itself_is_refused(text):
    assert unfit(text) == ("brace", "")


@pytest.mark.parametrize("text", ["Your visit\nBcc: all@example.org", "Your visit\r\nBcc: x", "a\rb"])
def test_a_subject_has_one_line(text):
    assert unfit(text, one_line=True) == ("line-break", "")


@pytest.mark.parametrize("sign", ["\0", "\x1b", "\u202e", "\u200b", "\u2028", "\u2029", "\x85", "\t"])
def test_signs_that_nobody_sees_are_refused(sign):
    assert unfit(f"Your vi{sign}sit") == ("control", "")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Your migraine visit", "migraine"),
        ("Su migraña", "migrana"),
        ("MIGRAÑAS", "migranas"),
        ("The Infusion Center", "infusion"),
        ("Headaches again?", "headaches"),
        ("dolor de cabeza", "dolor de cabeza"),
        ("Your eptinezumab", "eptinezumab"),
        ("ＥＰＴＩＮＥＺＵＭＡＢ", "eptinezumab"),
        ("your DHE.", "dhe"),
        ("mi{date}graine, the sodium", "sodium"),
    ],
)
def test_words_that_would_tell_why_she_comes_are_refused(text, word):
    assert unfit(text) == ("telling", word)


def test_names_of_protocols_leave_plain_words_alone():
    assert {"eptinezumab", "dhe", "sodium", "chloride"} == TELLING


def test_what_is_filled_in_is_not_read_again():
    values = {"first_name": "{phone} {date.__class__}", "date": "Tuesday", "phone": "212"}
    assert wording.fill("{first_name}: {date}", values) == "{phone} {date.__class__}: Tuesday"


@given(st.text(max_size=60), st.text(max_size=20))
def test_what_passes_can_be_filled_in_whatever_her_name(text, name):
    if unfit(text) is None:
        values = {"first_name": name, "date": "d", "phone": "p"}
        said = wording.fill(text, values)
        assert len(said) <= len(text) + text.count("{") * (len(name) + 1)


def test_paragraphs_are_parted_by_empty_lines():
    assert wording.paragraphs("One\nmore\n\n \nTwo\n") == ["One\nmore", "Two"]
    assert wording.tidy("  One\r\n\r\n\r\nTwo ", one_line=False) == "One\n\nTwo"
