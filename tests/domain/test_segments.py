"""How long a text is, and what becomes of its accents."""

from __future__ import annotations

import pytest

from scheduler.domain import segments


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 0),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("é" * 160, 1),  # é has a place in the phones' alphabet,
        ("á" * 70, 1),  # á has none
        ("á" * 71, 2),
        ("á" * 134, 2),
        ("á" * 135, 3),
        ("€" * 80, 1),  # takes two places
        ("€" * 81, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_a_text_is_counted_as_networks_count_it(text, parts):
    assert segments.segments(text) == parts


def test_accents_that_cost_a_segment_are_taken_off_and_others_stay():
    assert segments.plain("Mañana, ¿sí? Sábado, miércoles, Àvila") == "Mañana, ¿si? Sabado, miércoles, Avila"
    assert segments.plain("She’s “here” – today…") == 'She\'s "here" - today...'


@pytest.mark.parametrize("name", ["Κέντρο Λίμνης", "湖畔中心", "مركز"])
def test_another_script_is_left_whole(name):
    assert segments.plain(f"{name}: mañana a las 10, sí") == f"{name}: mañana a las 10, sí"
