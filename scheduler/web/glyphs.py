"""The icons of icons.svg as ready HTML. `{{ g.drop }}` in a template, `glyph("drop")` in Python."""

from __future__ import annotations

from functools import cache

from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString


@cache
def glyph(name: str) -> SafeString:
    """A glyph that says nothing by itself: a word always stands beside it."""
    return format_html(
        '<svg class="g" aria-hidden="true"><use href="{}#g-{}"/></svg>', static("scheduler/icons.svg"), name
    )


class _Glyphs:
    def __getitem__(self, name: str) -> SafeString:
        return glyph(name)


ALL = _Glyphs()
