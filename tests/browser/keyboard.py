"""What somebody does who has no mouse: keys only, and she sees where she is."""

from __future__ import annotations

from playwright.sync_api import Page

MOST_TABS = 60
# What a screen reader would call the focused thing, near enough: its label, its text or its placeholder.
_NAME = """() => {
  const at = document.activeElement;
  const label = at.labels && at.labels.length ? at.labels[0].innerText : at.getAttribute("aria-label");
  return (label || at.innerText || at.placeholder || "").replace(/\\s+/g, " ").trim();
}"""
_IS_SEEN = """() => {
  const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return (ring || style.boxShadow !== "none") && box.top >= 0 && box.bottom <= innerHeight && box.width > 0;
}"""


def reach(page: Page, name: str, *, back: bool = False) -> None:
    """Tab until `name` begins what is focused; everything on the way shows its focus and lies in view."""
    seen: list[str] = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        at = page.evaluate(_NAME)
        if page.evaluate("document.activeElement !== document.body"):
            assert page.evaluate(_IS_SEEN), f"nobody sees that {at!r} is focused"
        if at.startswith(name):
            return
        seen.append(at)
    raise AssertionError(f"no way to {name!r} by Tab: {seen}")


def press(page: Page, name: str, key: str = "Enter") -> None:
    """Go there and press it; the page that follows has loaded."""
    reach(page, name)
    with page.expect_navigation():
        page.keyboard.press(key)


def type_into(page: Page, name: str, text: str) -> None:
    reach(page, name)
    page.keyboard.type(text)
