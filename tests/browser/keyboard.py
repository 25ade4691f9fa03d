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
# A search box is ringed as a whole; of a date or time the browser itself shows which part is being typed.
_IS_SEEN = """() => {
  const at = document.activeElement, box = at.getBoundingClientRect();
  const isRinged = (node) => {
    const { boxShadow, outlineStyle, outlineWidth, outlineColor } = getComputedStyle(node);
    const hasOutline = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && outlineColor !== "rgba(0, 0, 0, 0)";
    return boxShadow !== "none" || hasOutline;
  };
  const isShown = isRinged(at.closest(".find") ?? at) || ["date", "time"].includes(at.type);
  return isShown && box.top >= -1 && box.bottom <= innerHeight + 1 && box.width > 0;
}"""


def reach(page: Page, name: str, *, back: bool = False) -> int:
    """Tab until `name` begins what is focused; everything on the way shows its focus and lies in view.

    How often Tab was pressed.
    """
    seen: list[str] = []
    for tabs in range(1, MOST_TABS + 1):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        at = page.evaluate(_NAME)
        if page.evaluate("document.activeElement !== document.body"):
            assert page.evaluate(_IS_SEEN), f"nobody sees that {at!r} is focused"
        if at.startswith(name):
            return tabs
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


class Hands:
    """Somebody's hands on the keyboard. An action is one thing done: a key or chord pressed, a field typed into, or
    gone to by Tab and pressed. `keys` counts every key that goes down, each Tab too; a typed field is one."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.actions = 0
        self.keys = 0

    def press(self, *keys: str, leads: bool = False) -> None:
        """`press("g", "w", leads=True)`: one action; with `leads` it ends when the page that follows has loaded."""
        self.actions += 1
        self.keys += len(keys)
        for key in keys[:-1]:
            self.page.keyboard.press(key)
        if not leads:
            self.page.keyboard.press(keys[-1])
            return
        with self.page.expect_navigation():
            self.page.keyboard.press(keys[-1])

    def go(self, name: str, key: str = "Enter", *, leads: bool = False) -> None:
        """By Tab to what `name` begins, and press it."""
        self.keys += reach(self.page, name)
        self.press(key, leads=leads)

    def type(self, text: str, *, into: str = "") -> None:
        """Into the field that has the focus, or the one that is reached by Tab."""
        if into:
            self.keys += reach(self.page, into)
        self.actions += 1
        self.keys += 1
        self.page.keyboard.type(text)
